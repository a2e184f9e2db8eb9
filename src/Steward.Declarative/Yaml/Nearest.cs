using Steward.Tools;

namespace Steward.Declarative.Yaml;

/// <summary>Says what somebody may have meant.</summary>
internal static class Nearest
{
    private const int MaxListed = 24;

    /// <summary>The nearest of the valid names, then all of them.</summary>
    public static string Hint(string name, IReadOnlyList<string> valid)
    {
        string[] near =
            [.. valid.Select(v => (Name: v, Far: NearestNames.Distance(name, v)))
                .Where(v => v.Far <= Math.Max(2, v.Name.Length / 3) && v.Far < Math.Max(v.Name.Length, name.Length))
                .OrderBy(v => v.Far)
                .Take(2)
                .Select(v => $"'{v.Name}'")];
        string all = valid.Count == 0
            ? "there are none"
            : string.Join(", ", valid.Take(MaxListed)) + (valid.Count > MaxListed ? ", …" : "");
        return near.Length == 0 ? $"Write one of: {all}." : $"Did you mean {string.Join(" or ", near)}? There are: {all}.";
    }
}
