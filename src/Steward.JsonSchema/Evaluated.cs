namespace Steward.JsonSchemas;

/// <summary>Which members or items of one instance a schema has looked at, by their position; only kept for unevaluated*.</summary>
internal sealed class Evaluated
{
    private readonly HashSet<int> _beyond = [];
    private ulong _first;
    private bool _all;

    public bool Has(int index) => _all || (index < 64 ? (_first >> index & 1) != 0 : _beyond.Contains(index));

    public void Add(int index)
    {
        if (index < 64)
            _first |= 1UL << index;
        else
            _beyond.Add(index);
    }

    public void AddAll() => _all = true;

    public void Merge(Evaluated other)
    {
        _all |= other._all;
        _first |= other._first;
        if (other._beyond.Count > 0)
            _beyond.UnionWith(other._beyond);
    }
}
