using System.Text.Json;

namespace Steward.JsonSchemas;

internal sealed class RefKeyword(string name, SchemaNode owner, SchemaNode target) : Keyword(name, owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen) =>
        target.Evaluate(ref run, instance, seen);
}

internal sealed class DynamicRefKeyword(SchemaNode owner, SchemaNode target, string anchor) : Keyword("$dynamicRef", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen) =>
        (run.Scope?.Find(anchor) ?? target).Evaluate(ref run, instance, seen);
}

internal sealed class AllOfKeyword(SchemaNode owner, SchemaNode[] schemas) : Keyword("allOf", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        bool valid = true;
        foreach (SchemaNode schema in schemas)
        {
            if (schema.Evaluate(ref run, instance, seen))
                continue;
            if (!run.Collects || run.Stopped)
                return false;
            valid = false;
        }

        return valid;
    }
}

/// <summary>A keyword that tries schemas; some may fail, and what a failed one saw or said must not count.</summary>
internal abstract class TryingKeyword(string name, SchemaNode owner) : Keyword(name, owner)
{
    private const int ShownBranches = 6;

    protected static bool Try(ref Evaluation run, SchemaNode schema, JsonElement instance, Evaluated? seen)
    {
        Evaluated? own = seen is null ? null : new Evaluated();
        List<SchemaError>? errors = run.Errors;
        run.Errors = null;
        bool valid = schema.Evaluate(ref run, instance, own);
        run.Errors = errors;
        if (valid)
            seen?.Merge(own!);
        return valid;
    }

    /// <summary>Says why no branch matched; the errors of the one branch that was meant, if one stands out, follow.</summary>
    protected bool FailAll(ref Evaluation run, SchemaNode[] schemas, JsonElement instance, string words)
    {
        if (!run.Collects || run.Stopped)
            return false;

        List<SchemaError>[] branches = Array.ConvertAll(schemas, Reasons(ref run, instance));
        IEnumerable<string> list = branches.Take(ShownBranches)
            .Select((errors, i) => $"({i + 1}) {(errors.Count > 0 ? errors[0].Message : "it failed.")}");
        string more = branches.Length > ShownBranches ? " …" : "";
        run.Fail(
            this,
            $"{run.Subject} must match {words} the {branches.Length} alternatives, but matches none: {string.Join(" ", list)}{more}");
        string pointer = run.Pointer;
        List<SchemaError>[] near =
            Array.FindAll(branches, errors => errors.Count > 0 && !errors.Exists(error => IsMismatch(error, pointer)));
        if (near.Length == 1)
            run.Forward(near[0]);
        return false;
    }

    private static Converter<SchemaNode, List<SchemaError>> Reasons(ref Evaluation run, JsonElement instance)
    {
        Evaluation copy = run;
        return schema =>
        {
            Evaluation branch = copy;
            branch.Errors = [];
            schema.Evaluate(ref branch, instance, null);
            return branch.Errors ?? [];
        };
    }

    private static bool IsMismatch(SchemaError error, string pointer) =>
        error.Keyword is "const" || (error.InstancePointer == pointer && error.Keyword is "type" or "enum" or "false");
}

internal sealed class AnyOfKeyword(SchemaNode owner, SchemaNode[] schemas) : TryingKeyword("anyOf", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        bool valid = false;
        foreach (SchemaNode schema in schemas)
        {
            valid |= Try(ref run, schema, instance, seen);
            if (run.Stopped)
                return false;
            if (valid && seen is null)
                return true;
        }

        return valid || FailAll(ref run, schemas, instance, "at least one of");
    }
}

internal sealed class OneOfKeyword(SchemaNode owner, SchemaNode[] schemas) : TryingKeyword("oneOf", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        int? first = null;
        for (int i = 0; i < schemas.Length; i++)
        {
            bool valid = Try(ref run, schemas[i], instance, seen);
            if (run.Stopped)
                return false;
            if (!valid)
                continue;
            if (first is not null)
                return run.Collects && FailTwo(ref run, schemas.Length, first.Value + 1, i + 1);
            first = i;
        }

        return first is not null || FailAll(ref run, schemas, instance, "exactly one of");
    }

    private bool FailTwo(ref Evaluation run, int count, int first, int second) => run.Fail(
        this, $"{run.Subject} must match exactly one of the {count} alternatives, but matches alternatives {first} and {second}.");
}

internal sealed class NotKeyword(SchemaNode owner, SchemaNode schema) : TryingKeyword("not", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (!Try(ref run, schema, instance, null))
            return !run.Stopped;

        return run.Collects && run.Fail(
            this,
            $"{run.Subject} must not match {JsonValues.Shorten(schema.Element.GetRawText())}, but is {JsonValues.Quote(instance)}.");
    }
}

internal sealed class IfKeyword(SchemaNode owner, SchemaNode condition, SchemaNode? then, SchemaNode? otherwise)
    : TryingKeyword("if", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        SchemaNode? branch = Try(ref run, condition, instance, seen) ? then : otherwise;
        if (run.Stopped)
            return false;

        return branch is null || branch.Evaluate(ref run, instance, seen);
    }
}

internal sealed class DependentSchemaKeyword(string name, SchemaNode owner, string trigger, SchemaNode schema) : Keyword(name, owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen) =>
        instance.ValueKind != JsonValueKind.Object || !instance.TryGetProperty(trigger, out _) || schema.Evaluate(ref run, instance, seen);
}
