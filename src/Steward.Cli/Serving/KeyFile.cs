using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.AspNetCore;
using Steward.Client.Contract;
using Steward.Storage;

namespace Steward.Cli.Serving;

/// <summary>API keys as JSON: names, tenants, roles, and SHA-256 of the keys; never the keys.</summary>
internal static class KeyFile
{
    public const string Variable = "STEWARD_API_KEYS";
    public const string AllTenants = "*";
    private const string Shape = "{\"keys\": [{\"name\": \"shop\", \"tenant\": \"acme\", \"roles\": [], \"sha256\": \"…\"}]}";
    private static readonly string[] s_fields = ["name", "tenant", "roles", "expires", "sha256"];
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>The keys of a file that is there.</summary>
    /// <param name="file">The file.</param>
    /// <param name="mayBeEmpty">Whether a file whose last key was revoked is fine.</param>
    /// <exception cref="UsageException">They cannot be read.</exception>
    public static IReadOnlyList<StewardApiKey> Load(string file, bool mayBeEmpty = true) => File.Exists(file)
        ? Read(File.ReadAllText(file), $"'{file}'", mayBeEmpty)
        : throw new UsageException($"There is no key file '{file}'. 'steward key create NAME --tenant TENANT --file {file}' makes one.");

    /// <exception cref="UsageException">They cannot be read; what is wrong is named, but never a value that could be a key.</exception>
    public static IReadOnlyList<StewardApiKey> Read(string text, string where, bool mayBeEmpty = false)
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
            || keys.GetArrayLength() == 0 && !mayBeEmpty)
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
            if (Read(text, $"'{file}'", mayBeEmpty: true).Any(k => k.Name == key.Name))
                throw new UsageException(
                    $"'{file}' has a key named '{key.Name}' already. Choose another name, or revoke that one: steward key revoke {key.Name} --file {file}");
            root = (JsonObject)JsonNode.Parse(text)!;
        }

        ((JsonArray)root["keys"]!).Add(Document(key));
        Replace(file, root);
    }

    /// <summary>Takes a key out of a file.</summary>
    /// <exception cref="UsageException">It has no key of that name, or cannot be read.</exception>
    public static void Remove(string file, string name)
    {
        IReadOnlyList<StewardApiKey> keys = Load(file);
        if (keys.All(k => k.Name != name))
            throw new UsageException(
                $"'{file}' has no key named '{name}'; there are: {string.Join(", ", keys.Select(k => $"'{k.Name}'").DefaultIfEmpty("none"))}.");
        Replace(file, new JsonObject { ["keys"] = new JsonArray([.. keys.Where(k => k.Name != name).Select(Document)]) });
    }

    /// <summary>In one step, so that a server that reads it meanwhile finds the old file or the new one.</summary>
    private static void Replace(string file, JsonObject root)
    {
        string next = $"{file}.new";
        using (FileStream stream = PrivateFiles.Create(next))
        using (var writer = new StreamWriter(stream))
            writer.WriteLine(root.ToJsonString(s_indented));
        File.Move(next, file, overwrite: true);
    }

    public static JsonObject Document(StewardApiKey key) => new()
    {
        ["name"] = key.Name,
        ["tenant"] = key.Tenant ?? AllTenants,
        ["roles"] = new JsonArray([.. key.Roles.Select(r => (JsonNode)r)]),
        ["expires"] = key.ExpiresAt is { } at ? Wire.Time(at) : null,
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
        return new StewardApiKey(Text(key, "name", where), tenant == AllTenants ? null : tenant, Roles(key, where), Hash(key, where))
        {
            ExpiresAt = Expiry(key, where),
        };
    }

    private static DateTimeOffset? Expiry(JsonElement key, string where)
    {
        if (!key.TryGetProperty("expires", out JsonElement expires) || expires.ValueKind == JsonValueKind.Null)
            return null;
        return expires.ValueKind == JsonValueKind.String && expires.TryGetDateTimeOffset(out DateTimeOffset at)
            ? at
            : throw new UsageException($"{where} has an 'expires' that is no time. Write one such as \"2027-01-31T00:00:00Z\", or leave it out.");
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
