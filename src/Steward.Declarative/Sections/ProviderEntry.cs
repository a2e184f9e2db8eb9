using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Providers;
using Steward.Testing.Scripting;

namespace Steward.Declarative.Sections;

/// <summary>Whose wire a provider speaks.</summary>
internal enum ProviderKind
{
    Anthropic,
    OpenAI,
    Scripted,
}

/// <summary>A provider as the file and the environment describe it.</summary>
internal sealed record ProviderEntry(string Name, ProviderKind Kind)
{
    private static readonly ProviderEntry[] s_presets =
    [
        new("anthropic", ProviderKind.Anthropic) { KeyVariable = "ANTHROPIC_API_KEY", UrlVariable = "ANTHROPIC_BASE_URL" },
        new("openai", ProviderKind.OpenAI)
        {
            KeyVariable = "OPENAI_API_KEY",
            UrlVariable = "OPENAI_BASE_URL",
            ModelVariable = "STEWARD_MODEL",
        },
        Hosted("deepseek", "DEEPSEEK", "https://api.deepseek.com/v1/"),
        Hosted("gemini", "GEMINI", "https://generativelanguage.googleapis.com/v1beta/openai/"),
        Hosted("groq", "GROQ", "https://api.groq.com/openai/v1/"),
        Hosted("mistral", "MISTRAL", "https://api.mistral.ai/v1/"),
        Hosted("openrouter", "OPENROUTER", "https://openrouter.ai/api/v1/"),
        Local("llamacpp", "LLAMACPP", "http://127.0.0.1:8080/v1/"),
        Local("lmstudio", "LMSTUDIO", "http://127.0.0.1:1234/v1/"),
        Local("ollama", "OLLAMA", "http://127.0.0.1:11434/v1/"),
        Local("vllm", "VLLM", "http://127.0.0.1:8000/v1/"),
    ];

    public string? KeyVariable { get; init; }

    public string? UrlVariable { get; init; }

    public string? ModelVariable { get; init; }

    public Uri? BaseUrl { get; init; }

    public string? ApiKey { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Fields to add to each request, and what else a client may be told.</summary>
    public ProviderOptions Options { get; init; } = new();

    /// <summary>Runs on this machine: needs no key and costs nothing.</summary>
    public bool IsLocal { get; init; }

    /// <summary>The model that the environment names in the place of the file's.</summary>
    public string? Model { get; init; }

    public ScriptedChatClient? Script { get; init; }

    public string? ScriptFile { get; init; }

    /// <summary>What must be set in the environment before it can be used; empty when it can.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    public bool IsUsable => Missing.Count == 0;

    public static IReadOnlyList<string> PresetNames => [.. s_presets.Select(p => p.Name)];

    public static ProviderEntry? Preset(string name) => s_presets.FirstOrDefault(p => p.Name == name);

    /// <summary>A preset with what the environment says.</summary>
    /// <exception cref="UriFormatException">The variable of its base URL is not one.</exception>
    public ProviderEntry FromEnvironment(Func<string, string?> environment)
    {
        string? key = Set(KeyVariable);
        string? url = Set(UrlVariable);
        return this with
        {
            ApiKey = key,
            BaseUrl = url is null ? BaseUrl : new Uri(url),
            Model = Set(ModelVariable),
            // A base URL without a key is a local server or a proxy that holds the key.
            Missing = key is not null || url is not null || IsLocal ? [] : [KeyVariable!],
        };

        string? Set(string? variable) => variable is not null && environment(variable) is { Length: > 0 } value ? value : null;
    }

    public IChatClient Create(ModelTarget target)
    {
        if (Script is not null)
            return Script;
        ProviderOptions options = Options with { ApiKey = ApiKey, BaseUrl = BaseUrl, Headers = Headers, Timeout = target.Timeout };
        return Kind == ProviderKind.Anthropic
            ? ModelProviders.CreateAnthropic(target.Model, options)
            : ModelProviders.CreateOpenAI(target.Model, options);
    }

    /// <summary>Whether another file means the same by it. Scripts go by their names, which stand as the model's.</summary>
    public bool IsSame(ProviderEntry other, string folder, string otherFolder)
    {
        if (Script is not null && other.Script is not null)
            return Script.Name != other.Script.Name
                || Path.GetFullPath(ScriptFile!, folder) == Path.GetFullPath(other.ScriptFile!, otherFolder);
        return Kind == other.Kind && IsSame(Options, other.Options) && BaseUrl == other.BaseUrl && ApiKey == other.ApiKey
            && Headers.Count == other.Headers.Count
                && Headers.All(h => other.Headers.TryGetValue(h.Key, out string? value) && value == h.Value);
    }

    private static bool IsSame(ProviderOptions one, ProviderOptions other) =>
        one with { Fields = other.Fields, Headers = other.Headers } == other
        && one.Fields.Count == other.Fields.Count
        && one.Fields.All(f => other.Fields.TryGetValue(f.Key, out JsonElement value) && JsonElement.DeepEquals(f.Value, value));

    /// <summary>Says how a file's providers differ from those that another one has by the same names; null when they agree.</summary>
    /// <remarks>In one process a provider's name means one thing.</remarks>
    public static string? Conflict(AgentFile file, IReadOnlyDictionary<string, ProviderEntry> known, string folder, string who)
    {
        foreach ((string name, ProviderEntry entry) in file.ProviderEntries)
        {
            if (!known.TryGetValue(name, out ProviderEntry? own) || own.IsSame(entry, folder, file.Folder))
                continue;
            return entry.Script is { } script
                ? $"The scripts of the agent '{file.Agent.Name}' and of {who} are both called '{script.Name}'. Give one of them another name, with 'name:' at its top."
                : $"The agent '{file.Agent.Name}' means another one by the provider '{name}' than {who} does. Give it another name under 'providers:' in one of the two.";
        }

        return null;
    }

    /// <summary>The model that answers, in words.</summary>
    public string Describe(ModelTarget target) => Script is not null
        ? ScriptDescription(ScriptFile!)
        : BaseUrl is { } url && (Preset(Name) is not { } preset || preset.BaseUrl != url)
            ? $"{Name}/{target.Model} at {url.Authority}"
            : $"{Name}/{target.Model}";

    public static string ScriptDescription(string file) => $"scripted model ({file}): no real model speaks";

    private static ProviderEntry Hosted(string name, string prefix, string url) =>
        new(name, ProviderKind.OpenAI) { KeyVariable = prefix + "_API_KEY", UrlVariable = prefix + "_BASE_URL", BaseUrl = new Uri(url) };

    private static ProviderEntry Local(string name, string prefix, string url) =>
        new(name, ProviderKind.OpenAI) { UrlVariable = prefix + "_BASE_URL", BaseUrl = new Uri(url), IsLocal = true };
}
