using System.Text.Json;
using Steward.Declarative.Sections;
using Steward.Declarative.Yaml;
using Steward.JsonSchemas;

namespace Steward.Declarative.Tests;

public sealed class AgentSchemaTests
{
    private static readonly JsonElement s_schema = JsonElement.Parse(AgentFile.Schema);

    [Fact]
    public void Schema_Keys_AreTheLoadersKeys()
    {
        Dictionary<string, string[]> ofSchema = s_schema.GetProperty("$defs").EnumerateObject()
            .Where(d => d.Value.TryGetProperty("properties", out _))
            .ToDictionary(d => d.Name, d => d.Value.GetProperty("properties").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal).ToArray());
        Assert.Equal(AgentKeys.All.Keys.Order(StringComparer.Ordinal), ofSchema.Keys.Order(StringComparer.Ordinal));
        foreach ((string definition, string[] keys) in AgentKeys.All)
        {
            Assert.Equal(keys.Order(StringComparer.Ordinal), ofSchema[definition]);
            Assert.False(s_schema.GetProperty("$defs").GetProperty(definition).GetProperty("additionalProperties").GetBoolean());
        }
    }

    [Fact]
    public void Schema_EverySample_IsValid()
    {
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(AgentFolder.Repository, "samples"), "agent.yaml", SearchOption.AllDirectories), Path.Combine(AgentFolder.Repository, "src/Steward.Cli/Templates/agent.yaml")];
        Assert.True(files.Length >= 2);
        foreach (string file in files)
        {
            Assert.Empty(Errors(YamlFile.Read(file).Json()));
            string first = File.ReadLines(file).First();
            Assert.StartsWith("# yaml-language-server: $schema=", first, StringComparison.Ordinal);
            string named = Path.Combine(Path.GetDirectoryName(file)!, first.Split('=')[1]);
            Assert.True(File.Exists(named) || file.Contains("Templates", StringComparison.Ordinal), $"{named} does not exist.");
        }
    }

    [Fact]
    public void Schema_EveryKey_IsValid()
    {
        using AgentFolder folder = AgentLoaderTests.Full();
        Assert.Empty(Errors(YamlFile.Read(folder.File("agent.yaml")).Json()));
    }

    [Theory]
    [InlineData("name: a")]
    [InlineData("name: a b\nscript: s")]
    [InlineData("name: a\nscript: s\nmodles: {}")]
    [InlineData("name: a\nmodels: { executor: claude }")]
    [InlineData("name: a\nscript: s\nlimits: { wall_time: 30 }")]
    [InlineData("name: a\nscript: s\ntools: [{ name: t, description: x }]")]
    [InlineData("name: a\nscript: s\nproviders: { openai: { api_key: sk-1 } }")]
    [InlineData("name: a\nscript: s\nvalidators: [{ sql: { statement: SELECT 1 } }]")]
    public void Schema_WrongFile_IsRefused(string yaml)
    {
        using var folder = new AgentFolder(("agent.yaml", yaml));
        Assert.NotEmpty(Errors(YamlFile.Read(folder.File("agent.yaml")).Json()));
    }

    [Fact]
    public void Reference_NamesEveryKey()
    {
        string text = File.ReadAllText(Path.Combine(AgentFolder.Repository, "docs", "agent-yaml.md"));
        foreach (string key in AgentKeys.All.Values.SelectMany(k => k).Distinct())
            Assert.Contains($"`{key}`", text, StringComparison.Ordinal);
        foreach (string provider in ProviderEntry.PresetNames)
            Assert.Contains($"`{provider}`", text, StringComparison.Ordinal);
    }

    private static IReadOnlyList<SchemaError> Errors(JsonElement value) => JsonSchema.Parse(s_schema).Validate(value).Errors;
}
