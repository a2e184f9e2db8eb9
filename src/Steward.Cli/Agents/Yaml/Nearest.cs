namespace Steward.Cli.Agents.Yaml;

/// <summary>Says what somebody may have meant.</summary>
internal static class Nearest
{
    private const int MaxListed = 24;

    /// <summary>The nearest of the valid names, then all of them.</summary>
    public static string Hint(string name, IReadOnlyList<string> valid)
    {
        string[] near = [.. valid.Select(v => (Name: v, Far: Distance(name, v))).Where(v => v.Far <= Math.Max(2, v.Name.Length / 3) && v.Far < Math.Max(v.Name.Length, name.Length)).OrderBy(v => v.Far).Take(2).Select(v => $"'{v.Name}'")];
        string all = valid.Count == 0 ? "there are none" : string.Join(", ", valid.Take(MaxListed)) + (valid.Count > MaxListed ? ", …" : "");
        return near.Length == 0 ? $"Write one of: {all}." : $"Did you mean {string.Join(" or ", near)}? There are: {all}.";
    }

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + cost));
            }
        }

        return row[b.Length];
    }
}
