using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>One schema at one place of a document, compiled to the list of its keywords in the order of their cost.</summary>
internal sealed class SchemaNode(SchemaDocument document, SchemaResource resource, string pointer, JsonElement element)
{
    private Keyword[] _keywords = [];
    private Keyword[] _unevaluated = [];

    public SchemaDocument Document => document;

    public SchemaResource Resource => resource;

    public string Pointer => pointer;

    public JsonElement Element => element;

    public bool IsQueued { get; set; }

    public bool IsFalse => element.ValueKind == JsonValueKind.False;

    /// <summary>The pointer as an error shows it: bare in the caller's own document, else after the address.</summary>
    public string Display => document.IsRoot ? pointer : $"{document.Address}#{pointer}";

    public void Complete(List<Keyword> keywords, List<Keyword> unevaluated)
    {
        _keywords = [.. keywords];
        _unevaluated = [.. unevaluated];
    }

    public bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (element.ValueKind == JsonValueKind.True)
            return !run.Stopped;
        if (IsFalse)
            return FailAlways(ref run);
        if (!run.Enter(this))
            return false;

        DynamicScope? scope = run.Scope;
        if (run.TracksScope && scope?.Resource != resource)
            run.Scope = new(scope, resource);
        bool valid = EvaluateKeywords(ref run, instance, seen);
        run.Scope = scope;
        run.Leave();
        return valid;
    }

    private bool EvaluateKeywords(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        Evaluated? own = _unevaluated.Length > 0 ? new Evaluated() : seen;
        bool valid = All(_keywords, ref run, instance, own) && All(_unevaluated, ref run, instance, own);
        if (valid && _unevaluated.Length > 0)
            seen?.Merge(own!);
        return valid;
    }

    private static bool All(Keyword[] keywords, ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        bool valid = true;
        foreach (Keyword keyword in keywords)
        {
            if (keyword.Evaluate(ref run, instance, seen))
                continue;
            if (!run.Collects || run.Stopped)
                return false;
            valid = false;
        }

        return valid;
    }

    private bool FailAlways(ref Evaluation run)
    {
        if (run.Collects)
            run.Report(Display, "false", $"{run.Subject} is not allowed here; leave it out.");
        return false;
    }
}

/// <summary>One compiled keyword of a schema.</summary>
internal abstract class Keyword(string name, SchemaNode owner)
{
    public string Name => name;

    public string Pointer => $"{owner.Display}/{JsonPointer.Escape(name)}";

    public abstract bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen);
}

/// <summary>A keyword that looks at the instance alone.</summary>
internal abstract class Assertion(string name, SchemaNode owner) : Keyword(name, owner)
{
    public sealed override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen) =>
        Check(instance) || (run.Collects && run.Fail(this, Explain(run.Subject, instance)));

    protected abstract bool Check(JsonElement instance);

    protected abstract string Explain(string subject, JsonElement instance);
}
