using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.AspNetCore;

namespace Steward.Cli.Serving;

/// <summary>API keys as JSON: names, tenants, roles, and SHA-256 of the keys; never the keys.</summary>
internal static class KeyFile
{
    public const string Variable = "STEWARD_API_KEYS";
    public const string AllTenants = "*";
    private const string Shape = "{\"keys\": [{\"name\": \"shop\", \"tenant\": \"acme\", \"roles\": [], \"sha256\": \"…\"}]}";
    private static readonly string[] s_fields = ["name", "tenant", "roles", "sha256"];
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>The keys of a file, or of the environment; none where neither is there.</summary>
    /// <exception cref="UsageException">They cannot be read.</exception>
    public static IReadOnlyList<StewardApiKey> Find(string? file)
    {
        if (file is not null)
            return File.Exists(file)
                ? Read(File.ReadAllText(file), $"'{file}'")
                : throw new UsageException(
                    $"There is no key file '{file}'. 'steward key create NAME --tenant TENANT --file {file}' makes one.");
        return Environment.GetEnvironmentVariable(Variable) is { } text && !string.IsNullOrWhiteSpace(text)
            ? Read(text, $"The environment variable {Variable}")
            : [];
    }

    /// <exception cref="UsageException">They cannot be read; what is wrong is named, but never a value that could be a key.</exception>
    public static IReadOnlyList<StewardApiKey> Read(string text, string where)
    {
        JsonElement root;
        try
        {
            root = JsonElement.Parse(text);
        }
        catch (JsonException e)
        {
            throw new UsageException($"{where} is not JSON: {e.Message} Write {Shape}");
        }

        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("keys", out JsonElement keys)
            || keys.ValueKind != JsonValueKind.Array
            || keys.GetArrayLength() == 0)
            throw new UsageException($"{where} holds no keys. Write {Shape}");
        var options = new StewardApiKeyOptions();
        foreach ((int i, JsonElement key) in keys.EnumerateArray().Index())
            options.Keys.Add(Key(key, $"{where}, keys[{i}]"));
        try
        {
            options.Validate();
        }
        catch (InvalidOperationException e)
        {
            throw new UsageException($"{where}: {e.Message}");
        }

        return [.. options.Keys];
    }

    /// <summary>Adds a key to a file, which is made if it is not there; only its owner may read it.</summary>
    /// <exception cref="UsageException">It has a key of that name, or cannot be read.</exception>
    public static void Add(string file, StewardApiKey key)
    {
        JsonObject root = new() { ["keys"] = new JsonArray() };
        if (File.Exists(file))
        {
            string text = File.ReadAllText(file);
            if (Read(text, $"'{file}'").Any(k => k.Name == key.Name))
                throw new UsageException($"'{file}' has a key named '{key.Name}' already. Choose another name, or take that one out.");
            root = (JsonObject)JsonNode.Parse(text)!;
        }

        ((JsonArray)root["keys"]!).Add(Document(key));
        string next = $"{file}.new";
        File.Delete(next);
        var create = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            create.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(next, create))
        using (var writer = new StreamWriter(stream))
            writer.WriteLine(root.ToJsonString(s_indented));
        File.Move(next, file, overwrite: true);
    }

    public static JsonObject Document(StewardApiKey key) => new()
    {
        ["name"] = key.Name,
        ["tenant"] = key.Tenant ?? AllTenants,
        ["roles"] = new JsonArray([.. key.Roles.Select(r => (JsonNode)r)]),
        ["sha256"] = Convert.ToHexStringLower(key.Sha256.Span),
    };

    private static StewardApiKey Key(JsonElement key, string where)
    {
        if (key.ValueKind != JsonValueKind.Object)
            throw new UsageException($"{where} is no object. Write {Shape}");
        foreach (JsonProperty field in key.EnumerateObject())
        {
            if (!s_fields.Contains(field.Name))
                throw new UsageException(
                    $"{where} has a field '{field.Name}'; there are: {string.Join(", ", s_fields)}. The key itself is never written here, only its SHA-256.");
        }

        string tenant = Text(key, "tenant", where);
        return new StewardApiKey(Text(key, "name", where), tenant == AllTenants ? null : tenant, Roles(key, where), Hash(key, where));
    }

    private static string Text(JsonElement key, string field, string where) =>
        key.TryGetProperty(field, out JsonElement value)
            && value.ValueKind == JsonValueKind.String
            && !string.IsNullOrWhiteSpace(value.GetString())
            ? value.GetString()!
            : throw new UsageException(
                $"{where} needs a '{field}' that is a text{(field == "tenant" ? $"; '{AllTenants}' stands for all tenants" : "")}.");

    private static string[] Roles(JsonElement key, string where)
    {
        if (!key.TryGetProperty("roles", out JsonElement roles))
            return [];
        return roles.ValueKind == JsonValueKind.Array && roles.EnumerateArray().All(r => r.ValueKind == JsonValueKind.String)
            ? [.. roles.EnumerateArray().Select(r => r.GetString()!)]
            : throw new UsageException(
                $"{where} has 'roles' that are no list of texts. Write \"roles\": [\"finance\"], or leave them out.");
    }

    private static byte[] Hash(JsonElement key, string where)
    {
        string text = Text(key, "sha256", where);
        return text.Length == 64 && text.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(text)
            : throw new UsageException(
                $"{where} has a 'sha256' that is not 64 hexadecimal digits. It is the SHA-256 of the key: printf %s \"$KEY\" | sha256sum");
    }
}
