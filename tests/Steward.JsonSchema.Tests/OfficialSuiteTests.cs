using System.Text;
using System.Text.Json;
using Steward.Tests.Shared;

namespace Steward.JsonSchemas.Tests;

/// <summary>The official JSON-Schema-Test-Suite for draft 2020-12, required and optional.</summary>
public sealed class OfficialSuiteTests(ITestOutputHelper output)
{
    private const string Suite = "json-schema-test-suite";

    /// <summary>Tests that are known to fail, as "file: group: test", each with its reason. One that passes fails the run.</summary>
    private static readonly Dictionary<string, string> s_leftOut = [];

    public static TheoryData<string> Required() => Files("");

    public static TheoryData<string> Optional() => Files("optional");

    public static TheoryData<string> Formats() => Files("optional/format");

    [Theory]
    [MemberData(nameof(Required))]
    public void Suite_Required_Passes(string file) => Check(file, assertFormat: false);

    [Theory]
    [MemberData(nameof(Optional))]
    public void Suite_Optional_Passes(string file) => Check(file, assertFormat: IsPattern(file));

    [Theory]
    [MemberData(nameof(Formats))]
    public void Suite_Format_Passes(string file) => Check(file, assertFormat: true);

    [Fact]
    public void Suite_Totals_Print()
    {
        (string, TheoryData<string>, bool)[] groups =
            [("required", Required(), false), ("optional", Optional(), false), ("format", Formats(), true)];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach ((string name, TheoryData<string> files, bool assertFormat) in groups)
        {
            List<(string Name, string? Failure)> results =
                [.. files.SelectMany(row => Run(row.Data, assertFormat || IsPattern(row.Data)))];
            output.WriteLine($"{name}: {results.Count(result => result.Failure is null)}/{results.Count}");
            names.UnionWith(results.Select(result => result.Name));
            Assert.All(results, result => Assert.True(result.Failure is null || s_leftOut.ContainsKey(result.Name), result.Name));
        }

        Assert.Subset(names, s_leftOut.Keys.ToHashSet());
    }

    private static TheoryData<string> Files(string folder)
    {
        string tests = Path.Combine(TestData.Root ?? "", Suite, "tests/draft2020-12");
        if (!Directory.Exists(tests))
            return ["missing"]; // One row, which then skips and says why.

        IOrderedEnumerable<string> files = Directory.EnumerateFiles(Path.Combine(tests, folder), "*.json").Order(StringComparer.Ordinal);
        return [.. files.Select(file => Path.GetRelativePath(tests, file))];
    }

    private static bool IsPattern(string file) => file.EndsWith("ecmascript-regex.json", StringComparison.Ordinal);

    private void Check(string file, bool assertFormat)
    {
        TestData.Require(Suite);
        List<(string Name, string? Failure)> results = [.. Run(file, assertFormat)];
        List<(string Name, string? Failure)> unexpected =
            [.. results.Where(result => (result.Failure is null) == s_leftOut.ContainsKey(result.Name))];
        output.WriteLine($"{file}: {results.Count(result => result.Failure is null)}/{results.Count}");

        StringBuilder message = new();
        foreach ((string name, string? failure) in unexpected)
            message.AppendLine($"{name}: {failure ?? "passes now; take it off the list"}");
        Assert.True(unexpected.Count == 0, message.ToString());
    }

    private static IEnumerable<(string Name, string? Failure)> Run(string file, bool assertFormat)
    {
        string suite = TestData.Require(Suite);
        JsonSchemaOptions options = new() { AssertFormat = assertFormat, Resolve = uri => Remote(suite, uri) };
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(suite, "tests/draft2020-12", file)));
        foreach (JsonElement group in document.RootElement.EnumerateArray())
        {
            (JsonSchema? schema, string? failure) = Parse(group.GetProperty("schema"), options);
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                string name = $"{file}: {group.GetProperty("description")}: {test.GetProperty("description")}";
                yield return (name, failure ?? Evaluate(schema!, test));
            }
        }
    }

    private static (JsonSchema? Schema, string? Failure) Parse(JsonElement schema, JsonSchemaOptions options)
    {
        try
        {
            return (JsonSchema.Parse(schema, options), null);
        }
        catch (JsonSchemaException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>Both ways of validation must agree with the suite, and an invalid instance must have a reason.</summary>
    private static string? Evaluate(JsonSchema schema, JsonElement test)
    {
        JsonElement data = test.GetProperty("data");
        bool expected = test.GetProperty("valid").GetBoolean();
        SchemaResult result = schema.Validate(data);
        if (schema.IsValid(data) != expected || result.IsValid != expected)
            return $"expected {(expected ? "valid" : "invalid")} for {JsonValues.Quote(data)}";

        return expected == (result.Errors.Count == 0) ? null : "an invalid instance has no error";
    }

    private static JsonElement? Remote(string suite, Uri uri)
    {
        const string Host = "http://localhost:1234/";
        if (!uri.AbsoluteUri.StartsWith(Host, StringComparison.Ordinal))
            return null;

        string path = Path.Combine(suite, "remotes", uri.AbsoluteUri[Host.Length..]);
        return File.Exists(path) ? JsonElement.Parse(File.ReadAllBytes(path)) : null;
    }
}
