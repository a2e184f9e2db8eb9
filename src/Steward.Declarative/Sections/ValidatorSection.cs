using System.Text.Json;
using Steward.Agents;
using Steward.Declarative.Yaml;
using Steward.Tools;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>validators</c>.</summary>
internal static class ValidatorSection
{
    public static IReadOnlyList<IValidator> Read(YamlValue? value, IReadOnlyList<ToolDefinition> tools, AgentScope scope)
    {
        List<IValidator> validators = [];
        foreach (YamlValue declared in value?.List("'validators'") ?? [])
        {
            YamlMap map = declared.Map("a validator", AgentKeys.Validator);
            (string kind, YamlValue body) = map.OneOf(
                "sql", "tool_called", "http", "answer_matches", "answer_path", "answer_schema", "judge");
            string name = map.Find("name")?.NonEmpty("the validator's name") ?? kind;
            if (validators.Any(v => v.Name == name))
                throw map.Self.Error($"There is a validator '{name}' already. Give this one another 'name'.");
            try
            {
                validators.Add(Make(kind, name, body, tools, scope));
            }
            catch (ArgumentException e)
            {
                throw body.Error(ToolSection.Clean(e));
            }
        }

        return validators;
    }

    private static IValidator Make(string kind, string name, YamlValue body, IReadOnlyList<ToolDefinition> tools, AgentScope scope) =>
        kind switch
    {
        "sql" => Sql(name, body.Map("'sql'", AgentKeys.SqlCheck), tools, scope),
        "tool_called" => ToolCalled(name, body, tools),
        "http" => Http(name, body.Map("'http'", AgentKeys.HttpCheck), tools, scope),
        "answer_matches" => AnswerMatches(name, body),
        "answer_path" => AnswerPath(name, body),
        "judge" => new JudgeValidator(name, Rubric(body)),
        _ => new AnswerSchemaValidator(name, body.IsMap ? body.Json() : SchemaFile(body, scope)),
    };

    private static SqlValidator Sql(string name, YamlMap map, IReadOnlyList<ToolDefinition> tools, AgentScope scope)
    {
        var captures = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((YamlValue key, YamlValue value) in map.Find("captures")?.Map("'captures'").Entries ?? [])
        {
            captures[key.Text()] = value.Text();
            if (value.Text().Split('.') is ["call", var tool, ..])
                Known(tool, value, tools);
        }

        var options = new SqlValidatorOptions
        {
            Name = name,
            Database = scope.Database(map),
            Statement = map.Need("statement", "Write one SELECT that proves the outcome.").NonEmpty("the statement"),
            Description = map.Find("description")?.Text(),
            Captures = captures,
            Rows = map.Find("rows") is { } rows ? Bounds(rows) : new Bounds(),
            FirstRow = (map.Find("first_row")?.Map("'first_row'").Entries ?? []).ToDictionary(
                e => e.Key.Text(), e => e.Value.Json(), StringComparer.Ordinal),
        };
        return new SqlValidator(
            map.Find("timeout") is { } timeout
                ? options with { Timeout = timeout.Duration(TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1)) } : options);
    }

    private static ToolCalledValidator ToolCalled(string name, YamlValue body, IReadOnlyList<ToolDefinition> tools)
    {
        if (!body.IsMap)
            return new ToolCalledValidator(new ToolCalledOptions { Name = name, Tool = Known(body.Text(), body, tools) });
        YamlMap map = body.Map("'tool_called'", AgentKeys.ToolCalled);
        YamlValue tool = map.Need("tool", "Name the tool.");
        var options = new ToolCalledOptions
        {
            Name = name,
            Tool = Known(tool.Text(), tool, tools),
            Arguments = map.Find("arguments")?.Json(),
        };
        return new ToolCalledValidator(map.Find("times") is { } times ? options with { Times = Bounds(times) } : options);
    }

    private static AnswerMatchesValidator AnswerMatches(string name, YamlValue body)
    {
        if (!body.IsMap)
            return new AnswerMatchesValidator(name, body.Text());
        YamlMap map = body.Map("'answer_matches'", AgentKeys.AnswerMatches);
        return new AnswerMatchesValidator(name, map.Need("pattern", "Write a regular expression.").Text(), !map.Flag("negate"));
    }

    private static HttpValidator Http(string name, YamlMap map, IReadOnlyList<ToolDefinition> tools, AgentScope scope)
    {
        string? source = map.Find("for_each_call_of") is { } tool ? Known(tool.Text(), tool, tools) : null;
        foreach ((YamlValue parameter, _) in map.Find("parameters")?.Map("'parameters'").Entries ?? [])
            CheckParameter(parameter, tools.FirstOrDefault(t => t.Name == source));
        return new HttpValidator(new HttpValidatorOptions
        {
            Name = name,
            Description = map.Find("description")?.Text(),
            Request = ToolSection.Request(map, scope),
            ForEachCallOf = source,
            Path = map.Find("path")?.NonEmpty("the path"),
            Expected = map.Find("expected")?.Json(),
        });
    }

    /// <summary>A parameter comes from the argument of the same name: one that the tool does not have would never be there.</summary>
    private static void CheckParameter(YamlValue parameter, ToolDefinition? tool)
    {
        if (tool is null)
            throw parameter.Error("Say with 'for_each_call_of' from which tool's calls the parameters come.");
        if (tool.Schema.TryGetProperty("properties", out JsonElement known) && !known.TryGetProperty(parameter.Text(), out _))
            throw parameter.Error(
                $"The tool '{tool.Name}' has no parameter '{parameter.Text()}'. {NearestNames.Hint(parameter.Text(), [.. known.EnumerateObject().Select(p => p.Name)])}");
    }

    private static AnswerPathValidator AnswerPath(string name, YamlValue body)
    {
        if (!body.IsMap)
            return new AnswerPathValidator(name, body.NonEmpty("the path"));
        YamlMap map = body.Map("'answer_path'", AgentKeys.AnswerPath);
        return new AnswerPathValidator(
            name,
            map.Need("path", "Write a place such as $.order.id.").NonEmpty("the path"),
            map.Find("expected")?.Json());
    }

    private static string Rubric(YamlValue body) =>
        (body.IsMap ? body.Map("'judge'", AgentKeys.Judge).Need("rubric", "Say what has to be true, in words.") : body).NonEmpty("the rubric");

    private static JsonElement SchemaFile(YamlValue file, AgentScope scope)
    {
        try
        {
            return JsonElement.Parse(scope.ReadText(file));
        }
        catch (JsonException e)
        {
            throw file.Error($"The file {file.Shown} is not JSON: {e.Message}");
        }
    }

    private static Bounds Bounds(YamlValue value)
    {
        if (!value.IsMap)
            return new Bounds { Exactly = value.Whole(0) };
        YamlMap map = value.Map("the number", AgentKeys.Bounds);
        return new Bounds { Exactly = map.Whole("exactly", 0), AtLeast = map.Whole("at_least", 0), AtMost = map.Whole("at_most", 0) };
    }

    private static string Known(string tool, YamlValue at, IReadOnlyList<ToolDefinition> tools) =>
        tools.Any(t => t.Name == tool)
            ? tool
            : throw at.Error($"There is no tool '{tool}'. {NearestNames.Hint(tool, [.. tools.Select(t => t.Name)])}");
}
