using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Steward.JsonSchemas;

internal sealed class RequiredKeyword(SchemaNode owner, string[] names) : Keyword("required", owner)
{
    private readonly byte[][] _names = [.. names.Select(Encoding.UTF8.GetBytes)];

    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Object)
            return true;

        bool valid = true;
        for (int i = 0; i < names.Length; i++)
        {
            if (instance.TryGetProperty(_names[i], out _))
                continue;
            if (!run.Collects)
                return false;
            string owner = run.Pointer.Length == 0 ? "" : $" of {run.Subject}";
            valid = run.Fail(this, $"The required property \"{names[i]}\"{owner} is missing.");
        }

        return valid;
    }
}

internal sealed class DependentRequiredKeyword(string keyword, SchemaNode owner, string trigger, string[] names) : Keyword(keyword, owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Object || !instance.TryGetProperty(trigger, out _))
            return true;

        foreach (string name in names)
        {
            if (instance.TryGetProperty(name, out _))
                continue;
            return run.Collects
                && run.Fail(this, $"The property \"{name}\" is required when \"{trigger}\" is present, but is missing.");
        }

        return true;
    }
}

internal sealed class PropertyNamesKeyword(SchemaNode owner, SchemaNode schema) : Keyword("propertyNames", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Object)
            return true;

        bool valid = true;
        foreach (JsonProperty member in instance.EnumerateObject())
        {
            if (IsAllowed(ref run, member))
                continue;
            if (!run.Collects || run.Stopped)
                return false;
            valid = false;
        }

        return valid;
    }

    private bool IsAllowed(ref Evaluation run, JsonProperty member)
    {
        List<SchemaError>? outer = run.Errors;
        run.Errors = outer is null ? null : [];
        bool valid = schema.Evaluate(ref run, NameAsValue(member), null);
        string why = run.Errors is [SchemaError first, ..] ? first.Message : "";
        run.Errors = outer;
        if (!valid && outer is not null)
            run.FailMember(this, member, $"The property name \"{JsonValues.Shorten(member.Name)}\" is not allowed: {why}");
        return valid;
    }

    private static JsonElement NameAsValue(JsonProperty member)
    {
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8PropertyName(member);
        byte[] text = new byte[raw.Length + 2];
        text[0] = text[^1] = (byte)'"';
        raw.CopyTo(text.AsSpan(1));
        return JsonElement.Parse(text);
    }
}

/// <summary>"properties", "patternProperties" and "additionalProperties" in one pass over the members.</summary>
internal sealed class PropertiesKeyword(
    SchemaNode owner, Utf8NameMap<SchemaNode> properties, (EcmaPattern Pattern, SchemaNode Schema)[] patterns, SchemaNode? additional)
    : Keyword("additionalProperties", owner)
{
    private const int ShownNames = 12;

    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Object)
            return true;

        bool valid = true;
        int index = 0;
        foreach (JsonProperty member in instance.EnumerateObject())
        {
            if (!EvaluateMember(ref run, member, index++, seen))
            {
                if (!run.Collects || run.Stopped)
                    return false;
                valid = false;
            }
        }

        return valid;
    }

    private bool EvaluateMember(ref Evaluation run, JsonProperty member, int index, Evaluated? seen)
    {
        bool valid = true;
        bool known = false;
        if (properties.Find(member) is { } schema)
        {
            known = true;
            valid = run.Member(schema, member);
        }

        foreach ((EcmaPattern pattern, SchemaNode patternSchema) in patterns)
        {
            if (!Matches(ref run, pattern, member.Name))
                continue;
            known = true;
            valid &= run.Member(patternSchema, member);
        }

        if (known || additional is not null)
            seen?.Add(index);
        return known || additional is null ? valid : EvaluateAdditional(ref run, member, additional);
    }

    private bool Matches(ref Evaluation run, EcmaPattern pattern, string name)
    {
        try
        {
            return pattern.IsMatch(name);
        }
        catch (RegexMatchTimeoutException e)
        {
            return run.StopAtPattern(Pointer, e);
        }
    }

    private bool EvaluateAdditional(ref Evaluation run, JsonProperty member, SchemaNode schema)
    {
        if (!schema.IsFalse)
            return run.Member(schema, member);

        return run.Collects
            && run.FailMember(this, member, $"The property \"{JsonValues.Shorten(member.Name)}\" is not allowed; {Known()}.");
    }

    private string Known()
    {
        if (properties.Names.Count == 0)
            return "leave it out";

        string more = properties.Names.Count > ShownNames ? ", …" : "";
        return $"the known properties are {string.Join(", ", properties.Names.Take(ShownNames).Select(name => $"\"{name}\""))}{more}";
    }
}

internal sealed class UnevaluatedPropertiesKeyword(SchemaNode owner, SchemaNode schema) : Keyword("unevaluatedProperties", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Object)
            return true;

        bool valid = true;
        int index = 0;
        foreach (JsonProperty member in instance.EnumerateObject())
        {
            if (seen!.Has(index++) || Check(ref run, member))
                continue;
            if (!run.Collects || run.Stopped)
                return false;
            valid = false;
        }

        seen!.AddAll();
        return valid;
    }

    private bool Check(ref Evaluation run, JsonProperty member)
    {
        if (!schema.IsFalse)
            return run.Member(schema, member);

        return run.Collects
            && run.FailMember(this, member, $"The property \"{JsonValues.Shorten(member.Name)}\" is not allowed; leave it out.");
    }
}
