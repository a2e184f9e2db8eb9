using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>"prefixItems" and "items" in one pass over the items.</summary>
internal sealed class ItemsKeyword(string name, SchemaNode owner, SchemaNode[] prefix, SchemaNode? rest) : Keyword(name, owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Array)
            return true;

        bool valid = true;
        int index = 0;
        foreach (JsonElement item in instance.EnumerateArray())
        {
            SchemaNode? schema = index < prefix.Length ? prefix[index] : rest;
            if (schema is null)
                break;

            seen?.Add(index);
            if (!EvaluateItem(ref run, schema, item, index++))
            {
                if (!run.Collects || run.Stopped)
                    return false;
                valid = false;
            }
        }

        return valid;
    }

    private bool EvaluateItem(ref Evaluation run, SchemaNode schema, JsonElement item, int index)
    {
        if (!schema.IsFalse || index < prefix.Length)
            return run.Item(schema, item, index);

        return run.Collects && run.FailItem(
            this, index, $"{run.Subject} must have at most {prefix.Length} items, but item {index} is {JsonValues.Quote(item)}.");
    }
}

internal sealed class ContainsKeyword(SchemaNode owner, SchemaNode schema, int min, int? max) : Keyword("contains", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Array)
            return true;

        int count = CountMatches(ref run, instance, seen);
        if (run.Stopped)
            return false;
        if (count >= min && (max is null || count <= max))
            return true;

        string bound = count < min ? $"at least {min}" : $"at most {max}";
        return run.Collects && run.Fail(this, $"{run.Subject} must have {bound} matching item(s) (\"contains\"), but has {count}.");
    }

    private int CountMatches(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        List<SchemaError>? errors = run.Errors;
        run.Errors = null;
        int count = 0, index = 0;
        foreach (JsonElement item in instance.EnumerateArray())
        {
            if (run.Item(schema, item, index))
            {
                seen?.Add(index);
                count++;
            }

            index++;
        }

        run.Errors = errors;
        return count;
    }
}

internal sealed class UnevaluatedItemsKeyword(SchemaNode owner, SchemaNode schema) : Keyword("unevaluatedItems", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        if (instance.ValueKind != JsonValueKind.Array)
            return true;

        bool valid = true;
        int index = -1;
        foreach (JsonElement item in instance.EnumerateArray())
        {
            index++;
            if (seen!.Has(index) || Check(ref run, item, index))
                continue;
            if (!run.Collects || run.Stopped)
                return false;
            valid = false;
        }

        seen!.AddAll();
        return valid;
    }

    private bool Check(ref Evaluation run, JsonElement item, int index)
    {
        if (!schema.IsFalse)
            return run.Item(schema, item, index);

        return run.Collects && run.FailItem(this, index, $"Item {index} of {run.Subject} is not allowed; leave it out.");
    }
}
