namespace Steward.Tools;

/// <summary>How far a mistyped name is from a valid one, so that an error can say what was meant.</summary>
public static class NearestNames
{
    private const int MostListed = 24;

    /// <summary>Says which valid names are nearest to a mistyped one, and lists them all.</summary>
    /// <param name="name">The name that is none.</param>
    /// <param name="valid">The valid names; at most 24 are listed.</param>
    public static string Hint(string name, IReadOnlyList<string> valid)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(valid);
        string[] near =
            [.. valid.Select(v => (Name: v, Far: Distance(name, v)))
                .Where(v => v.Far <= Math.Max(2, v.Name.Length / 3) && v.Far < Math.Max(v.Name.Length, name.Length))
                .OrderBy(v => v.Far)
                .Take(2)
                .Select(v => $"'{v.Name}'")];
        if (valid.Count == 0)
            return "There are none.";
        string all = string.Join(", ", valid.Take(MostListed)) + (valid.Count > MostListed ? ", …" : "");
        return near.Length == 0 ? $"Write one of: {all}." : $"Did you mean {string.Join(" or ", near)}? There are: {all}.";
    }

    /// <summary>The number of letters to insert, delete or replace (Levenshtein distance); case does not count.</summary>
    public static int Distance(string a, string b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
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
