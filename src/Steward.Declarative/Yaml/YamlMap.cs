namespace Steward.Declarative.Yaml;

/// <summary>A map whose keys were checked.</summary>
internal sealed class YamlMap(YamlValue self, string what, IReadOnlyList<(YamlValue Key, YamlValue Value)> entries)
{
    public YamlValue Self => self;

    public IReadOnlyList<(YamlValue Key, YamlValue Value)> Entries => entries;

    public YamlValue? Find(string key)
    {
        foreach ((YamlValue name, YamlValue value) in entries)
        {
            if (name.Text() == key)
                return value;
        }

        return null;
    }

    public YamlValue Need(string key, string remedy) =>
        Find(key) ?? throw self.Error($"{char.ToUpperInvariant(what[0])}{what[1..]} lacks '{key}'. {remedy}");

    public bool Flag(string key, bool otherwise = false) => Find(key)?.Flag() ?? otherwise;

    public int? Whole(string key, int least, int most = int.MaxValue) => Find(key)?.Whole(least, most);

    /// <summary>The one key of these that is there.</summary>
    public (string Key, YamlValue Value) OneOf(params IReadOnlyList<string> keys)
    {
        (string Key, YamlValue Value)[] found = [.. keys.Where(k => Find(k) is not null).Select(k => (k, Find(k)!.Value))];
        return found.Length == 1
            ? found[0]
            : throw self.Error(
                $"{char.ToUpperInvariant(what[0])}{what[1..]} has {(found.Length == 0 ? "none" : "more than one")} of {string.Join(", ", keys.Select(k => $"'{k}'"))}. Give exactly one.");
    }
}
