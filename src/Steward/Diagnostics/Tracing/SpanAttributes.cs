namespace Steward.Diagnostics.Tracing;

/// <summary>Attributes as they are put together: what is not known is left out.</summary>
internal sealed class SpanAttributes : List<KeyValuePair<string, object?>>
{
    public SpanAttributes()
    {
    }

    public SpanAttributes(IEnumerable<KeyValuePair<string, object?>> common)
        : base(common)
    {
    }

    public SpanAttributes Set(string name, object? value)
    {
        if (value is null)
            return this;
        RemoveAll(a => a.Key == name);
        Add(new(name, value));
        return this;
    }
}
