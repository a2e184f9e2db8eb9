using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Declarative.Scripts;
using Steward.Declarative.Yaml;
using Steward.Journal;
using Steward.Models;
using Steward.Providers;
using Steward.Testing.Scripting;
using Steward.Tools;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>models</c>, <c>providers</c>, <c>script</c> and <c>prices</c>, and decides by the environment who speaks.</summary>
internal sealed class ModelSection
{
    private const string ScriptedProvider = "scripted";
    private const int DefaultWindow = 32_768;
    private const int DefaultMaxOutput = 8_192;
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    private static readonly Dictionary<string, ProviderKind> s_kinds = new(StringComparer.Ordinal)
    {
        ["anthropic"] = ProviderKind.Anthropic,
        ["openai"] = ProviderKind.OpenAI,
        ["scripted"] = ProviderKind.Scripted,
    };

    private readonly AgentScope _scope;
    private readonly YamlMap _root;
    private readonly Dictionary<string, ProviderEntry> _providers = new(StringComparer.Ordinal);
    private readonly Dictionary<ModelRole, List<(ModelTarget Target, YamlValue At)>> _routes = [];
    private readonly List<ModelInfo> _prices = [];

    private ModelSection(YamlMap root, AgentScope scope)
    {
        _root = root;
        _scope = scope;
    }

    public Dictionary<ModelRole, ModelRoute> Routes { get; } = [];

    public Dictionary<string, Func<ModelTarget, IChatClient>> Clients { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<ModelInfo> Prices => _prices;

    /// <summary>The providers of <see cref="Clients"/>, as the file and the environment describe them.</summary>
    public IReadOnlyDictionary<string, ProviderEntry> Entries => _providers.Where(p => Clients.ContainsKey(p.Key)).ToDictionary();

    public string ModelDescription { get; private set; } = "";

    public static ModelSection Read(YamlMap root, AgentScope scope)
    {
        var section = new ModelSection(root, scope);
        section.ReadProviders();
        section.ReadRoutes();
        section.ReadPrices();
        section.Choose();
        return section;
    }

    private string Today =>
        _scope.Options.Time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private void ReadProviders()
    {
        foreach ((YamlValue key, YamlValue value) in _root.Find("providers")?.Map("'providers'").Entries ?? [])
            _providers[key.NonEmpty("the provider's name")] = ReadProvider(key.Text(), value.Map("a provider", AgentKeys.Provider));
    }

    private ProviderEntry ReadProvider(string name, YamlMap map)
    {
        ProviderEntry? preset = ProviderEntry.Preset(name);
        ProviderKind kind = map.Find("kind")?.OneOf("a kind of provider", s_kinds)
            ?? preset?.Kind
            ?? throw map.Self.Error(
                $"The provider '{name}' lacks 'kind'. Write one of: {string.Join(", ", s_kinds.Keys)}. Known without it are: {string.Join(", ", ProviderEntry.PresetNames)}.");
        if (kind == ProviderKind.Scripted)
            return ReadScripted(name, map);
        if (map.Find("script") is { } script)
            throw script.Error("Only a provider of the kind 'scripted' has a script. Remove it, or write 'kind: scripted'.");
        if (preset?.Kind == kind)
            preset = FromEnvironment(preset, map.Self);
        else
            preset = null;
        return Connect(new ProviderEntry(name, kind) { Model = preset?.Model, IsLocal = preset?.IsLocal ?? false }, preset, map);
    }

    private ProviderEntry ReadScripted(string name, YamlMap map)
    {
        if (map.Entries.FirstOrDefault(e => e.Key.Text() is not ("kind" or "script")).Key is { File: not null } foreign)
            throw foreign.Error("A scripted provider has a 'script' and nothing else. Remove this.");
        YamlValue file = map.Need("script", "Name the file of its turns: 'script: script.yaml'.");
        return new ProviderEntry(name, ProviderKind.Scripted) { Script = LoadScript(file), ScriptFile = file.Text() };
    }

    private ProviderEntry Connect(ProviderEntry entry, ProviderEntry? preset, YamlMap map)
    {
        List<string> missing = [];
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((YamlValue header, YamlValue value) in map.Find("headers")?.Map("'headers'").Entries ?? [])
        {
            if (Variables.IsCredential(header.Text()))
                Variables.RefuseLiteral(value);
            headers[header.Text()] = Fill(value, missing) ?? "";
        }

        Uri? url = map.Find("base_url") is { } address ? Url(address, missing) : preset?.BaseUrl;
        string? key = null;
        if (map.Find("api_key") is { } secret)
        {
            Variables.RefuseLiteral(secret);
            key = Fill(secret, missing);
        }
        else if (map.Find("base_url") is null && preset is not null)
        {
            // The environment's key goes to its own provider only, never to an address that a file names.
            key = preset.ApiKey;
            missing.AddRange(preset.Missing);
        }

        return entry with { BaseUrl = url, ApiKey = key, Headers = headers, Missing = missing, Options = Options(map) };
    }

    private static ProviderOptions Options(YamlMap map)
    {
        var options = new ProviderOptions();
        return options with
        {
            Fields = (map.Find("fields")?.Map("'fields'").Entries ?? []).ToDictionary(
                f => f.Key.Label(), f => f.Value.Json(), StringComparer.Ordinal),
            MaxTokensField = map.Find("max_tokens_field")?.NonEmpty("the field's name"),
            PromptCaching = map.Flag("prompt_caching", options.PromptCaching),
            IdleTimeout = map.Find("idle_timeout")?.Duration(TimeSpan.FromMilliseconds(1), s_day) ?? options.IdleTimeout,
            MaxAnswerBytes = map.Find("max_answer_bytes")?.Long(1_024, 1L << 30) ?? options.MaxAnswerBytes,
        };
    }

    private string? Fill(YamlValue value, List<string> missing)
    {
        (string? text, IReadOnlyList<string> unset) = Variables.Fill(value, _scope.Options);
        missing.AddRange(unset);
        return text;
    }

    private Uri? Url(YamlValue value, List<string> missing)
    {
        if (Fill(value, missing) is not { } text)
            return null;
        return Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
            ? url
            : throw value.Error($"'{text}' is not the URL of an API. Write one such as https://api.example.com/v1/.");
    }

    private void ReadRoutes()
    {
        if (_root.Find("models") is not { } models)
            return;
        YamlMap roles = models.Map("'models'", AgentKeys.Models);
        foreach ((YamlValue key, YamlValue value) in roles.Entries)
        {
            IReadOnlyList<YamlValue> targets = value.IsList ? value.List("the role") : [value];
            if (targets.Count == 0)
                throw value.Error(
                    $"The role '{key.Text()}' has no model. Write one such as anthropic/claude-sonnet-4-5, or remove the role.");
            _routes[Role(key.Text())] = [.. targets.Select(t => (ReadTarget(t), t))];
        }

        if (!_routes.ContainsKey(ModelRole.Executor))
            throw models.Error("'models' lacks 'executor', the role that does the work. Add 'executor: [anthropic/claude-sonnet-4-5]'.");
    }

    private static ModelRole Role(string name) => name switch
    {
        "planner" => ModelRole.Planner,
        "executor" => ModelRole.Executor,
        "validator" => ModelRole.Validator,
        "summarizer" => ModelRole.Summarizer,
        _ => ModelRole.Judge,
    };

    private ModelTarget ReadTarget(YamlValue value)
    {
        if (!value.IsMap)
        {
            string text = value.Text();
            int slash = text.IndexOf('/', StringComparison.Ordinal);
            if (slash <= 0 || slash == text.Length - 1)
                throw value.Error($"'{text}' is not a model. Write PROVIDER/MODEL, such as anthropic/claude-sonnet-4-5.");
            return Target(text[..slash], text[(slash + 1)..], value, value);
        }

        YamlMap map = value.Map("a model", AgentKeys.Model);
        YamlValue provider = map.Need("provider", "Name it: 'provider: anthropic'.");
        YamlValue model = map.Need("model", "Name it: 'model: claude-sonnet-4-5'.");
        ModelTarget target = Target(provider.NonEmpty("the provider"), model.NonEmpty("the model"), provider, model);
        return target with
        {
            MaxOutput = map.Whole("max_output", 1, 10_000_000),
            Temperature = map.Find("temperature") is { } temperature ? Temperature(temperature) : null,
            Stream = map.Flag("stream", target.Stream),
            Retries = map.Whole("retries", 0, 100) ?? target.Retries,
            Timeout = map.Find("timeout")?.Duration(TimeSpan.FromMilliseconds(1), s_day) ?? target.Timeout,
        };
    }

    private ModelTarget Target(string provider, string model, YamlValue at, YamlValue modelAt)
    {
        if (!_providers.TryGetValue(provider, out ProviderEntry? entry))
        {
            ProviderEntry preset = ProviderEntry.Preset(provider)
                ?? throw at.Error(
                    $"There is no provider '{provider}'. {NearestNames.Hint(provider, [.. _providers.Keys.Concat(ProviderEntry.PresetNames)])} Or declare it under 'providers:'.");
            _providers[provider] = entry = FromEnvironment(preset, at);
        }

        if (string.IsNullOrWhiteSpace(model))
            throw modelAt.Error("The model has no name.");
        return new ModelTarget(provider, entry.Model ?? model);
    }

    private ProviderEntry FromEnvironment(ProviderEntry preset, YamlValue at)
    {
        try
        {
            return preset.FromEnvironment(_scope.Options.Environment);
        }
        catch (UriFormatException)
        {
            throw at.Error(
                $"The environment variable '{preset.UrlVariable}' is not a URL. Set it to one such as http://127.0.0.1:8080/v1/, or remove it.");
        }
    }

    private static float Temperature(YamlValue value) =>
        value.Number() is var number and >= 0 and <= 2
            ? (float)number
            : throw value.Error($"{value.Shown} is not a temperature. Write a number from 0 to 2.");

    private void ReadPrices()
    {
        foreach ((YamlValue key, YamlValue value) in _root.Find("prices")?.Map("'prices'").Entries ?? [])
        {
            string name = key.Text();
            int slash = name.IndexOf('/', StringComparison.Ordinal);
            if (slash <= 0 || slash == name.Length - 1)
                throw key.Error($"'{name}' is not a model. Write PROVIDER/MODEL, such as openai/gpt-5-mini.");
            _prices.Add(ReadPrice(name[..slash], name[(slash + 1)..], value.Map("a price", AgentKeys.Price)));
        }
    }

    private ModelInfo ReadPrice(string provider, string model, YamlMap map)
    {
        ModelInfo? known = ModelCatalog.Default.Find(provider, model);
        return new ModelInfo(
            provider,
            model,
            map.Need("input", "Give the US dollars of a million input tokens, 0 for a model of your own.").Usd(),
            map.Need("output", "Give the US dollars of a million output tokens, 0 for a model of your own.").Usd(),
            map.Find("cache_read")?.Usd(),
            map.Find("cache_write")?.Usd(),
            map.Whole("context_window", 1) ?? known?.ContextWindow ?? DefaultWindow,
            map.Whole("max_output", 1) ?? known?.MaxOutput ?? DefaultMaxOutput,
            map.Find("source")?.Text() ?? Path.GetFileName(map.Self.File.Path),
            Today);
    }

    private void Choose()
    {
        IEnumerable<(ModelTarget Target, YamlValue At)> all = _routes.Values.SelectMany(r => r);
        bool scripted = _scope.Options.Scripted || !all.Any(t => _providers[t.Target.Provider].IsUsable);
        if (scripted)
            UseScript();
        else
            UseModels();
        foreach (ModelTarget target in Routes.Values.SelectMany(r => r.Targets).Distinct())
            AddFreePrice(target);
    }

    private void UseScript()
    {
        YamlValue file = _root.Find("script") ?? throw NoModel();
        ScriptedChatClient script = LoadScript(file);
        var speaking = new ModelTarget(ScriptedProvider, script.Name);
        foreach ((ModelRole role, List<(ModelTarget Target, YamlValue At)> targets) in _routes)
            Routes[role] = new ModelRoute([targets[0].Target with { Provider = speaking.Provider, Model = speaking.Model }]);
        Routes.TryAdd(ModelRole.Executor, new ModelRoute([speaking]));
        Clients[ScriptedProvider] = _ => script;
        _providers[ScriptedProvider] = new ProviderEntry(ScriptedProvider, ProviderKind.Scripted)
        {
            Script = script,
            ScriptFile = file.Text(),
        };
        ModelDescription = ProviderEntry.ScriptDescription(file.Text());
    }

    private AgentFileException NoModel()
    {
        YamlValue at = _root.Find("models") ?? _root.Self;
        string[] missing = [.. _providers.Values.SelectMany(p => p.Missing).Distinct()];
        if (_scope.Options.Scripted)
            return at.Error("The agent has no script to follow. Add 'script: script.yaml', or run it with a real model.");
        return _routes.Count == 0
            ? at.Error(
                "The agent has no model. Add 'models:' with 'executor: [anthropic/claude-sonnet-4-5]', or 'script: script.yaml' for a scripted one.")
            : at.Error(
                $"No model can be reached: {string.Join(" and ", missing.Select(m => $"'{m}'"))} {(missing.Length == 1 ? "is" : "are")} not set. Set {(missing.Length == 1 ? "it" : "one of them")}, or add 'script: script.yaml' for a scripted model.");
    }

    private void UseModels()
    {
        foreach ((ModelRole role, List<(ModelTarget Target, YamlValue At)> targets) in _routes)
        {
            ModelTarget[] usable = [.. targets.Select(t => t.Target).Where(t => _providers[t.Provider].IsUsable)];
            if (usable.Length == 0)
            {
                string[] missing = [.. targets.SelectMany(t => _providers[t.Target.Provider].Missing).Distinct()];
                throw targets[0].At.Error(
                    $"No model of this role can be reached, while others can: {string.Join(" and ", missing.Select(m => $"'{m}'"))} is not set. Set it, or remove the role: the executor's models then serve for it.");
            }

            Routes[role] = new ModelRoute(usable);
            foreach (ModelTarget target in usable)
                Clients[target.Provider] = _providers[target.Provider].Create;
        }

        ModelDescription = string.Join(", then ", Routes[ModelRole.Executor].Targets.Select(t => _providers[t.Provider].Describe(t)));
    }

    /// <summary>What a script declares, and what runs on this machine, has a price without a line in the file.</summary>
    private void AddFreePrice(ModelTarget target)
    {
        ProviderEntry provider = _providers[target.Provider];
        if (_prices.Any(p => p.Provider == target.Provider && p.Model == target.Model))
            return;
        if (provider.Script is { } script)
            _prices.Add(
                new ModelInfo(target.Provider, target.Model, script.InputPerMillion, script.OutputPerMillion, null, null, 200_000,
                    DefaultMaxOutput, provider.ScriptFile!, Today));
        else if (provider is { IsLocal: true, BaseUrl.IsLoopback: true })
            _prices.Add(
                new ModelInfo(target.Provider, target.Model, 0, 0, null, null, DefaultWindow, DefaultMaxOutput, "it runs on this machine",
                    Today));
    }

    private ScriptedChatClient LoadScript(YamlValue file) =>
        ScriptReader.Read(YamlFile.Parse(_scope.ReadText(file), _scope.Resolve(file)), _scope.Options.Time);
}
