using System.Text;
using System.Text.Json;
using CsCheck;
using Steward.JsonSchemas.Formats;

namespace Steward.JsonSchemas.Tests;

public sealed class JsonSchemaTests
{
    [Theory]
    [InlineData("""{"properties":{"limit":{"maximum":50}}}""", """{"limit":500}""", "/limit", "/properties/limit/maximum", "\"limit\" must be at most 50, but is 500.")]
    [InlineData("""{"properties":{"limit":{"type":"integer"}}}""", """{"limit":"ten"}""", "/limit", "/properties/limit/type", "\"limit\" must be an integer, but is the string \"ten\".")]
    [InlineData("""{"properties":{"unit":{"enum":["C","F"]}}}""", """{"unit":"K"}""", "/unit", "/properties/unit/enum", "\"unit\" must be one of \"C\", \"F\", but is the string \"K\".")]
    [InlineData("""{"required":["city"]}""", "{}", "", "/required", "The required property \"city\" is missing.")]
    [InlineData("""{"properties":{"a":{"items":{"required":["b"]}}}}""", """{"a":[{}]}""", "/a/0", "/properties/a/items/required", "The required property \"b\" of \"a[0]\" is missing.")]
    [InlineData("""{"properties":{"city":{}},"additionalProperties":false}""", """{"town":1}""", "/town", "/additionalProperties", "The property \"town\" is not allowed; the known properties are \"city\".")]
    [InlineData("""{"properties":{"s":{"minLength":3}}}""", """{"s":"ab"}""", "/s", "/properties/s/minLength", "\"s\" must have at least 3 characters, but has 2.")]
    [InlineData("""{"properties":{"d":{"format":"date"}}}""", """{"d":"31.1.2025"}""", "/d", "/properties/d/format", "\"d\" must be a valid date (as 2025-01-31), but is the string \"31.1.2025\".")]
    [InlineData("""{"properties":{"a/b~":{"const":1}}}""", """{"a/b~":2}""", "/a~1b~0", "/properties/a~1b~0/const", "\"a/b~\" must be 1, but is 2.")]
    [InlineData("""{"uniqueItems":true}""", "[1,2,1.0]", "", "/uniqueItems", "The value must have no equal items, but items 0 and 2 are both 1.0.")]
    [InlineData("""{"multipleOf":0.01}""", "1.005", "", "/multipleOf", "The value must be a multiple of 0.01, but is 1.005.")]
    public void Validate_OneFault_NamesPlaceExpectedAndActual(
        string schema, string instance, string place, string keywordPlace, string message)
    {
        SchemaError error = Assert.Single(Schema(schema).Validate(Json(instance)).Errors);

        Assert.Equal((place, keywordPlace, message), (error.InstancePointer, error.SchemaPointer, error.Message));
    }

    [Fact]
    public void Validate_AnyOfWithOneNearBranch_ReportsThatBranch()
    {
        JsonSchema schema = Schema("""{"anyOf":[{"type":"string"},{"type":"object","required":["id"]}]}""");

        IReadOnlyList<SchemaError> errors = schema.Validate(Json("{}")).Errors;

        Assert.Equal(["anyOf", "required"], errors.Select(error => error.Keyword));
        Assert.Contains("matches none: (1) The value must be a string", errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IsValid_DependentSchemaOfANameWithASlash_IsApplied() =>
        Assert.False(Schema("""{"dependentSchemas":{"c/d":{"type":"number"}}}""").IsValid(Json("""{"c/d":1}""")));

    [Fact]
    public void Validate_LongValue_IsCutInTheMessage()
    {
        SchemaError error = Assert.Single(Schema("""{"type":"integer"}""").Validate(Json($"\"{new string('x', 5_000)}\"")).Errors);

        Assert.True(error.Message.Length < 150);
    }

    [Fact]
    public void Validate_ManyFaults_StopsAtMaxErrors()
    {
        JsonSchema schema = Schema("""{"items":{"type":"string"}}""", new() { MaxErrors = 3 });

        Assert.Equal(3, schema.Validate(Json("[1,2,3,4,5]")).Errors.Count);
    }

    [Theory]
    [InlineData("""{"pattern":"["}""", "/pattern")]
    [InlineData("""{"pattern":"\\Aabc\\Z"}""", "/pattern")]
    [InlineData("""{"properties":{"a":{"type":"int"}}}""", "/properties/a/type")]
    [InlineData("""{"properties":{"a":{"$ref":"#/$defs/b"}}}""", "/properties/a/$ref")]
    [InlineData("""{"$ref":"https://example.com/other"}""", "/$ref")]
    [InlineData("""{"minimum":"1"}""", "/minimum")]
    [InlineData("""{"minLength":-1}""", "/minLength")]
    [InlineData("""{"multipleOf":0}""", "/multipleOf")]
    [InlineData("""{"items":[{}]}""", "/items")]
    [InlineData("""{"properties":{"a":3}}""", "/properties/a")]
    [InlineData("""{"required":"a"}""", "/required")]
    [InlineData("""{"allOf":[]}""", "/allOf")]
    [InlineData("3", "")]
    public void Parse_InvalidSchema_NamesThePlace(string schema, string place) =>
        Assert.Equal(place, Assert.Throws<JsonSchemaException>(() => Schema(schema)).SchemaPointer);

    [Theory]
    [InlineData("""{"$ref":"#"}""")]
    [InlineData("""{"allOf":[{"$ref":"#"},{"$ref":"#"}]}""")]
    [InlineData("""{"not":{"$ref":"#"}}""")]
    [InlineData("""{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}""")]
    public void Validate_EndlessReference_IsAnError(string schema)
    {
        JsonSchema compiled = Schema(schema);

        Assert.False(compiled.IsValid(Json("1")));
        Assert.Contains("without an end", compiled.Validate(Json("1")).Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_DeepInstance_IsAnError()
    {
        JsonSchema schema = Schema("""{"items":{"$ref":"#"}}""");
        JsonElement deep = JsonElement.Parse(new string('[', 500) + new string(']', 500), new JsonDocumentOptions { MaxDepth = 1_000 });

        SchemaError error = Assert.Single(schema.Validate(deep).Errors);

        Assert.Equal("maxDepth", error.Keyword);
        Assert.True(schema.IsValid(Json(new string('[', 60) + new string(']', 60))));
    }

    [Fact]
    public void Validate_ExponentialSchema_Stops()
    {
        string defs = string.Join(',', Enumerable.Range(0, 60).Select(i => $$"""
            "d{{i}}":{"allOf":[{"$ref":"#/$defs/d{{i + 1}}"},{"$ref":"#/$defs/d{{i + 1}}"}]}
            """));
        JsonSchema schema = Schema($$"""{"$defs":{{{defs}},"d60":true},"$ref":"#/$defs/d0"}""");

        Assert.Contains("too many steps", schema.Validate(Json("1")).Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_CatastrophicPattern_NamesThePattern()
    {
        JsonSchema schema = Schema("""{"properties":{"s":{"pattern":"^(([a-z])+.)+[A-Z]([a-z])+$"}}}""");

        SchemaError error = Assert.Single(schema.Validate(Json($$"""{"s":"{{new string('a', 60)}}"}""")).Errors);

        Assert.Equal(("/s", "/properties/s/pattern"), (error.InstancePointer, error.SchemaPointer));
        Assert.Contains("^(([a-z])+.)+[A-Z]([a-z])+$", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_LoneSurrogate_IsAnErrorNotAnException()
    {
        JsonSchema schema = Schema("""{"properties":{"s":{"pattern":"a"}}}""");

        Assert.Contains("Unicode", Assert.Single(schema.Validate(Json("""{"s":"\ud800"}""")).Errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"const":1}""", "1.0", true)]
    [InlineData("""{"const":1e2}""", "100", true)]
    [InlineData("""{"type":"integer"}""", "1e400", true)]
    [InlineData("""{"type":"integer"}""", "1e-1", false)]
    [InlineData("""{"maximum":100000000000000000000000000000000000001}""", "100000000000000000000000000000000000002", false)]
    [InlineData("""{"multipleOf":0.0001}""", "0.00751", false)]
    [InlineData("""{"multipleOf":0.0001}""", "0.0075", true)]
    [InlineData("""{"multipleOf":3}""", "1e300", false)]
    [InlineData("""{"multipleOf":1e-300}""", "1e308", true)]
    [InlineData("""{"exclusiveMinimum":0}""", "-0.0", false)]
    [InlineData("""{"exclusiveMinimum":0}""", "1e-999999999999", true)]
    public void IsValid_Numbers_AreExact(string schema, string instance, bool valid) =>
        Assert.Equal(valid, Schema(schema).IsValid(Json(instance)));

    [Theory]
    [InlineData("(?<year>[0-9]{4})-\\k<year>", "2024-2024", true)]
    [InlineData("(a)?b\\1", "b", true)]
    [InlineData("^.$", "\U0001F600", true)]
    [InlineData("^[^x]$", "\U0001F600", true)]
    [InlineData("^[\U0001F600-\U0001F64F]{2}$", "\U0001F600\U0001F64F", true)]
    [InlineData("^\\u{1F600}$", "\U0001F600", true)]
    [InlineData("^[\\w.-]+$", "a.b-c", true)]
    [InlineData("^\\p{Lu}\\P{Lu}$", "Aa", true)]
    [InlineData("a{,3}", "a{,3}", true)]
    [InlineData("\\bcaf\\b", "caf\u00e9", true)]
    public void Pattern_Ecma_Matches(string pattern, string text, bool matches) =>
        Assert.Equal(matches, new EcmaPattern(pattern).IsMatch(text));

    [Fact]
    public void FormatsAndPatterns_AnyText_NeverThrow()
    {
        string[] formats =
        [
            "date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6",
            "uri", "iri", "uri-reference", "iri-reference", "uri-template", "uuid", "json-pointer", "relative-json-pointer", "regex",
        ];
        FormatCheck[] checks = formats.Select(name => Steward.JsonSchemas.Formats.FormatChecks.Find(name, leapSeconds: true)!).ToArray();
        const string Telling = "\\[](){}^$.*+?|<>:=!-,#/@%~&aAbBcdDkpPuwWsSxnTZ0159PYMDHxn--\u00b7\u200d\u0627\ud800\udc00\"";
        Gen<string> text = Gen.OneOf(Gen.Char[Telling], Gen.Char).Array[0, 24].Select(chars => new string(chars));

        text.Sample(value =>
        {
            foreach (FormatCheck check in checks)
                check(value);
        });
    }

    [Fact]
    public void Parse_Draft07Schema_KeepsItsItems()
    {
        JsonSchema schema = Schema("""{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"n":{"type":"integer"}},"items":[{"$ref":"#/definitions/n"}],"additionalItems":false}""");

        Assert.True(schema.IsValid(Json("[1]")));
        Assert.False(schema.IsValid(Json("[1,2]")));
        Assert.False(schema.IsValid(Json("[\"a\"]")));
    }

    [Fact]
    public void Parse_Metaschema_ValidatesItself()
    {
        JsonSchema schema = Schema("""{"$ref":"https://json-schema.org/draft/2020-12/schema"}""");

        Assert.True(schema.IsValid(Metaschemas.Find("https://json-schema.org/draft/2020-12/schema")!.Value));
        Assert.False(schema.IsValid(Json("""{"properties":{"a":{"type":"int"}}}""")));
    }

    [Fact]
    public void IsValid_TypicalArguments_AllocatesNothing()
    {
        JsonSchema schema = Schema("""
            {"type":"object","properties":{"city":{"type":"string","minLength":1,"maxLength":80},"unit":{"enum":["C","F"]},"days":{"type":"integer","minimum":1,"maximum":14}},
             "required":["city"],"additionalProperties":false}
            """);
        JsonElement arguments = Json("""{"city":"Zürich","unit":"C","days":3}""");
        Assert.True(schema.IsValid(arguments));

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            schema.IsValid(arguments);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    private static JsonSchema Schema(string json, JsonSchemaOptions? options = null) => JsonSchema.Parse(Json(json), options);

    private static JsonElement Json(string json) => JsonElement.Parse(Encoding.UTF8.GetBytes(json));
}
