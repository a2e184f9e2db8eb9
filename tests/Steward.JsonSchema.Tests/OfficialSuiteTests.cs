using System.Text;
using System.Text.Json;
using Steward.Tests.Shared;

namespace Steward.JsonSchemas.Tests;

/// <summary>The official JSON-Schema-Test-Suite for draft 2020-12, required and optional.</summary>
public sealed class OfficialSuiteTests(ITestOutputHelper output)
{
    private const string Suite = "json-schema-test-suite";

    /// <summary>Tests that are known to fail, as "file: group: test", each with its reason. One that passes fails the run.</summary>
    private static readonly Dictionary<string, string> LeftOut = [];

    public static TheoryData<string> Required() => Files("");

    public static TheoryData<string> Optional() => Files("optional");

    public static TheoryData<string> Formats() => Files("optional/format");

    [Theory]
    [MemberData(nameof(Required))]
    public void Suite_Required_Passes(string file) => Check(file, assertFormat: false);

    [Theory]
    [MemberData(nameof(Optional))]
    public void Suite_Optional_Passes(string file) =>
        Check(file, assertFormat: file.EndsWith("ecmascript-regex.json", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Formats))]
    public void Suite_Format_Passes(string file) => Check(file, assertFormat: true);

    [Fact]
    public void Suite_Totals_Print()
    {
        var groups = new[] { ("required", Required(), false), ("optional", Optional(), false), ("format", Formats(), true) };
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, files, assertFormat) in groups)
        {
            var results = files.SelectMany(row => Run(row.Data, assertFormat || row.Data.EndsWith("ecmascript-regex.json", StringComparison.Ordinal))).ToList();
            output.WriteLine($"{name}: {results.Count(result => result.Failure is null)}/{results.Count}");
            names.UnionWith(results.Select(result => result.Name));
            Assert.All(results, result => Assert.True(result.Failure is null || LeftOut.ContainsKey(result.Name), result.Name));
        }

        Assert.Subset(names, LeftOut.Keys.ToHashSet());
    }

    private static TheoryData<string> Files(string folder)
    {
        if (TestData.Root is not { } root)
            return ["missing"];

        var tests = Path.Combine(root, Suite, "tests/draft2020-12");
        var files = Directory.EnumerateFiles(Path.Combine(tests, folder), "*.json").Order(StringComparer.Ordinal);
        return [.. files.Select(file => Path.GetRelativePath(tests, file))];
    }

    private void Check(string file, bool assertFormat)
    {
        TestData.Require(Suite);
        var results = Run(file, assertFormat).ToList();
        var unexpected = results.Where(result => (result.Failure is null) == LeftOut.ContainsKey(result.Name)).ToList();
        output.WriteLine($"{file}: {results.Count(result => result.Failure is null)}/{results.Count}");

        var message = new StringBuilder();
        foreach (var (name, failure) in unexpected)
            message.AppendLine($"{name}: {failure ?? "passes now; take it off the list"}");
        Assert.True(unexpected.Count == 0, message.ToString());
    }

    private static IEnumerable<(string Name, string? Failure)> Run(string file, bool assertFormat)
    {
        var suite = TestData.Require(Suite);
        var options = new JsonSchemaOptions { AssertFormat = assertFormat, Resolve = uri => Remote(suite, uri) };
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(suite, "tests/draft2020-12", file)));
        foreach (var group in document.RootElement.EnumerateArray())
        {
            var (schema, failure) = Parse(group.GetProperty("schema"), options);
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var name = $"{file}: {group.GetProperty("description")}: {test.GetProperty("description")}";
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
        var data = test.GetProperty("data");
        var expected = test.GetProperty("valid").GetBoolean();
        var result = schema.Validate(data);
        if (schema.IsValid(data) != expected || result.IsValid != expected)
            return $"expected {(expected ? "valid" : "invalid")} for {JsonValues.Quote(data)}";

        return expected == (result.Errors.Count == 0) ? null : "an invalid instance has no error";
    }

    private static JsonElement? Remote(string suite, Uri uri)
    {
        const string Host = "http://localhost:1234/";
        if (!uri.AbsoluteUri.StartsWith(Host, StringComparison.Ordinal))
            return null;

        var path = Path.Combine(suite, "remotes", uri.AbsoluteUri[Host.Length..]);
        return File.Exists(path) ? JsonElement.Parse(File.ReadAllBytes(path)) : null;
    }
}
