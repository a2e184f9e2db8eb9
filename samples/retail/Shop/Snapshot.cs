using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Steward.Retail.Data;

namespace Steward.Retail.Shop;

/// <summary>All documents of a shop at one moment, to compare: by hash, and by what differs.</summary>
internal sealed class Snapshot
{
    private readonly SortedDictionary<string, Document> _documents = new(StringComparer.Ordinal);

    private Snapshot(RetailDatabase database, Snapshot? before)
    {
        foreach (string table in (string[])["orders", "products", "users"])
        {
            foreach ((string id, string text) in database.ReadAll(table))
            {
                // Nearly all are as they were: only what changed is written canonically again.
                string path = $"{table}/{id}";
                _documents[path] = before is not null && before._documents.TryGetValue(path, out Document? same) && same.Text == text
                    ? same
                    : new Document(table, id, text, PythonJson.Canonical(JsonNode.Parse(text)));
            }
        }

        Hash = ComputeHash();
    }

    /// <summary>The SHA-256 of the whole shop as one canonical JSON object of tables, in hexadecimal.</summary>
    public string Hash { get; }

    /// <summary>Reads a shop.</summary>
    /// <param name="database">The shop.</param>
    /// <param name="before">An earlier moment of it, which saves work.</param>
    public static Snapshot Of(RetailDatabase database, Snapshot? before = null) => new(database, before);

    /// <summary>What became of an earlier moment, by path.</summary>
    public List<Difference> Since(Snapshot before)
    {
        List<Difference> differences = [];
        foreach ((string path, Document document) in _documents)
        {
            Document old = before._documents[path];
            if (old.Canonical != document.Canonical)
                Compare(JsonNode.Parse(old.Text), JsonNode.Parse(document.Text), $"/{document.Table}/{Escape(document.Id)}", differences);
        }

        differences.Sort((a, b) => string.CompareOrdinal(a.Path, b.Path));
        return differences;
    }

    private static void Compare(JsonNode? before, JsonNode? after, string path, List<Difference> differences)
    {
        if (before is not JsonObject old || after is not JsonObject now)
        {
            if (PythonJson.Canonical(before) != PythonJson.Canonical(after))
                differences.Add(new Difference("replace", path, PythonJson.Canonical(after)));
            return;
        }

        foreach ((string name, JsonNode? value) in now)
        {
            if (old.ContainsKey(name))
                Compare(old[name], value, $"{path}/{Escape(name)}", differences);
            else
                differences.Add(new Difference("add", $"{path}/{Escape(name)}", PythonJson.Canonical(value)));
        }

        differences.AddRange(old.Where(m => !now.ContainsKey(m.Key)).Select(m => new Difference("remove", $"{path}/{Escape(m.Key)}", null)));
    }

    private static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private string ComputeHash()
    {
        var json = new StringBuilder("{");
        foreach (IGrouping<string, Document> table in _documents.Values.GroupBy(d => d.Table))
        {
            json.Append(json.Length > 1 ? "," : "").Append(PythonJson.Canonical(table.Key)).Append(":{");
            json.AppendJoin(',', table.OrderBy(d => d.Id, StringComparer.Ordinal).Select(d => $"{PythonJson.Canonical(d.Id)}:{d.Canonical}"));
            json.Append('}');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(json.Append('}').ToString())));
    }

    private sealed record Document(string Table, string Id, string Text, string Canonical);
}
