using System.Text.Json;

namespace Steward.ClusterChecker.Reading;

/// <summary>Files of a scenario in which each line is a JSON object. A last line that a kill cut off is left out: what it would have said was never acknowledged.</summary>
internal static class Lines
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    public static List<T> Read<T>(string path)
    {
        if (!File.Exists(path))
            return [];
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        string text = file.ReadToEnd();
        string[] whole = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. whole.Select(line => JsonSerializer.Deserialize<T>(line, s_json)!)];
    }

    public static string Write<T>(T line) => JsonSerializer.Serialize(line, s_json) + "\n";
}
