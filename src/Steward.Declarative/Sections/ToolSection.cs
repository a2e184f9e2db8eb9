using System.Text.Json;
using Steward.Declarative.Yaml;
using Steward.Journal;
using Steward.Tools;
using Steward.Tools.Declarative;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>tools</c>.</summary>
internal static class ToolSection
{
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_tenYears = TimeSpan.FromDays(3_650);

    internal static readonly Dictionary<string, ToolEffect> Effects = new(StringComparer.Ordinal)
    {
        ["read_only"] = ToolEffect.ReadOnly,
        ["idempotent"] = ToolEffect.Idempotent,
        ["unsafe"] = ToolEffect.Unsafe,
    };

    private static readonly Dictionary<string, ToolParameterType> s_types = new(StringComparer.Ordinal)
    {
        ["string"] = ToolParameterType.String,
        ["integer"] = ToolParameterType.Integer,
        ["number"] = ToolParameterType.Number,
        ["boolean"] = ToolParameterType.Boolean,
    };

    private static readonly string[] s_methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

    public static List<ToolDefinition> Read(YamlValue? value, AgentScope scope)
    {
        List<ToolDefinition> tools = [];
        foreach (YamlValue declared in value?.List("'tools'") ?? [])
        {
            YamlMap map = declared.Map("a tool", AgentKeys.Tool);
            YamlValue name = map.Need("name", "Name it: letters, digits, '-' and '_'.");
            if (tools.Any(t => t.Name.Equals(name.Text(), StringComparison.OrdinalIgnoreCase)))
                throw name.Error($"There is a tool '{name.Text()}' already. Give this one another name.");
            tools.Add(ReadOne(map, name, scope));
        }

        return tools;
    }

    private static ToolDefinition ReadOne(YamlMap map, YamlValue name, AgentScope scope)
    {
        if (!ToolDefinition.IsName(name.Text()))
            throw name.Error(
                $"'{name.Text()}' cannot be a tool's name. Write 1 to {ToolDefinition.MaxNameLength} letters, digits, '-' or '_'.");
        if (ToolDefinition.ReservedFault(name.Text()) is { } reserved)
            throw name.Error(reserved);
        YamlValue description = map.Need("description", "Say what it does and when to use it: the model chooses by it.");
        string says = description.NonEmpty("the description");
        ToolParameter[] parameters = Parameters(map);
        (string kind, YamlValue body) = map.OneOf("sql", "http");
        try
        {
            return kind == "sql"
                ? SqlTool.Create(
                    Common(Sql(body, map, scope) with { Name = name.Text(), Description = says, Parameters = parameters }, map))
                : HttpTool.Create(
                    Common(Http(body, map, scope) with { Name = name.Text(), Description = says, Parameters = parameters }, map));
        }
        catch (ArgumentException e)
        {
            throw body.Error(Clean(e));
        }
    }

    private static T Common<T>(T options, YamlMap map)
        where T : DeclaredToolOptions
    {
        bool destructive = map.Flag("destructive");
        return (T)(options with
        {
            Destructive = destructive,
            RequiresApproval = map.Flag("approval", destructive),
            CostUsd = map.Find("cost")?.Usd() ?? 0,
            Timeout = map.Find("timeout")?.Duration(TimeSpan.FromMilliseconds(1), s_day) ?? options.Timeout,
            KeyMemory = map.Find("key_memory")?.Duration(TimeSpan.FromSeconds(1), s_tenYears) ?? options.KeyMemory,
            MaxRepeats = map.Whole("max_repeats", 1, 1_000_000),
            MaxResult = map.Whole("max_result", 1) ?? options.MaxResult,
            Overlaps = map.Flag("overlap"),
        });
    }

    /// <summary>A request that reads, for a validator.</summary>
    internal static HttpToolOptions Request(YamlMap map, AgentScope scope)
    {
        var options = new HttpToolOptions
        {
            Name = "http",
            Description = "",
            Url = Address(map, scope),
            Secrets = new Variables.Source(scope.Options),
            Parameters = Parameters(map),
        };
        return Reach(options, map) with
        {
            Method = map.Find("method") is { } method ? Method(method, "GET", "HEAD") : options.Method,
            Timeout = map.Find("timeout")?.Duration(TimeSpan.FromMilliseconds(1), s_day) ?? options.Timeout,
        };
    }

    private static ToolParameter[] Parameters(YamlMap map) =>
        [.. (map.Find("parameters")?.Map("'parameters'").Entries ?? []).Select(p => Parameter(p.Key, p.Value))];

    private static ToolEffect? Effect(YamlMap map) => map.Find("effect")?.OneOf("an effect", Effects);

    private static SqlToolOptions Sql(YamlValue body, YamlMap tool, AgentScope scope)
    {
        YamlMap map = body.Map("'sql'", AgentKeys.Sql);
        var options = new SqlToolOptions
        {
            Name = "",
            Description = "",
            Database = scope.Database(map),
            Statement = map.Need("statement", "Write one SQL statement with @named parameters.").NonEmpty("the statement"),
            Probe = map.Find("probe")?.NonEmpty("the probe"),
        };
        return options with
        {
            Effect = Effect(tool) ?? options.Effect,
            MaxRows = map.Whole("max_rows", 1, 1_000_000) ?? options.MaxRows,
            MaxBytes = map.Whole("max_bytes", 1) ?? options.MaxBytes,
        };
    }

    private static HttpToolOptions Http(YamlValue body, YamlMap tool, AgentScope scope)
    {
        YamlMap map = body.Map("'http'", AgentKeys.Http);
        var options = new HttpToolOptions
        {
            Name = "",
            Description = "",
            Url = Address(map, scope),
            Secrets = new Variables.Source(scope.Options),
        };
        return Reach(options, map) with
        {
            Effect = Effect(tool),
            Method = map.Find("method") is { } method ? Method(method, s_methods) : options.Method,
            Body = map.Find("body")?.Json(),
            JsonBody = map.Flag("json_body"),
            IdempotencyHeader = map.Find("idempotency_header") is { } header ? Header(header) : options.IdempotencyHeader,
            Select = map.Find("select")?.NonEmpty("'select'"),
            StatusTexts = StatusTexts(map),
            Probe = map.Find("probe") is { } probe ? Probe(probe.Map("a probe", AgentKeys.HttpProbe), scope) : null,
        };
    }

    /// <summary>What a request may reach and how much it may bring, which tools and validators have in common.</summary>
    private static HttpToolOptions Reach(HttpToolOptions options, YamlMap map) => options with
    {
        Headers = Headers(map),
        MaxBytes = map.Whole("max_bytes", 1) ?? options.MaxBytes,
        FollowRedirects = map.Flag("follow_redirects"),
        AllowPrivateNetworks = map.Flag("allow_private_networks"),
        AllowedHosts = map.Find("allowed_hosts") is { } hosts
            ? [.. hosts.List("'allowed_hosts'").Select(h => h.NonEmpty("the host"))]
            : null,
    };

    private static HttpProbeOptions Probe(YamlMap map, AgentScope scope) => new()
    {
        Url = Address(map, scope),
        Headers = Headers(map),
        Select = map.Find("select")?.NonEmpty("'select'"),
    };

    private static string Address(YamlMap map, AgentScope scope) =>
        Variables.Need(map.Need("url", "Write one such as https://api.example.com/users/{id}."), scope.Options);

    private static string Method(YamlValue value, params string[] known) =>
        known.Contains(value.Text())
            ? value.Text()
            : throw value.Error($"'{value.Text()}' is not a method that can be used here. {NearestNames.Hint(value.Text(), known)}");

    /// <summary>A header's name; <c>false</c> for none.</summary>
    private static string? Header(YamlValue value) =>
        value.IsText
            ? value.NonEmpty("the header's name")
            : value.Flag()
            ? throw value.Error("Write the header's name, or false for none.")
            : null;

    private static Dictionary<string, string> Headers(YamlMap map)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((YamlValue key, YamlValue value) in map.Find("headers")?.Map("'headers'").Entries ?? [])
        {
            if (Variables.IsCredential(key.Text()))
                Variables.RefuseLiteral(value);
            headers[key.Text()] = Variables.AsSecrets(value);
        }

        return headers;
    }

    private static Dictionary<int, string> StatusTexts(YamlMap map)
    {
        var texts = new Dictionary<int, string>();
        foreach ((YamlValue key, YamlValue value) in map.Find("status_texts")?.Map("'status_texts'").Entries ?? [])
            texts[int.TryParse(key.Label(), out int status) && status is >= 100 and <= 599 ? status : throw key.Error($"{key.Shown} is not an HTTP status. Write a number from 100 to 599.")] =
                value.Text();
        return texts;
    }

    private static ToolParameter Parameter(YamlValue key, YamlValue value)
    {
        string name = key.Text();
        if (value.IsText)
            return new ToolParameter(name, value.OneOf("a type", s_types));
        YamlMap map = value.Map("a parameter", AgentKeys.Parameter);
        return new ToolParameter(name, map.Find("type")?.OneOf("a type", s_types) ?? ToolParameterType.String)
        {
            Description = map.Find("description")?.Text(),
            Required = map.Flag("required", true),
            Default = map.Find("default")?.Json(),
            Enum = map.Find("enum") is { } values ? [.. values.List("'enum'").Select(v => v.Json())] : null,
            Minimum = map.Find("minimum")?.Number(),
            Maximum = map.Find("maximum")?.Number(),
            MinLength = map.Whole("min_length", 0),
            MaxLength = map.Whole("max_length", 0),
            Pattern = map.Find("pattern")?.Text(),
            Format = map.Find("format")?.Text(),
        };
    }

    internal static string Clean(ArgumentException e)
    {
        string message = e.Message;
        int parameter = message.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return parameter < 0 ? message : message[..parameter];
    }
}
