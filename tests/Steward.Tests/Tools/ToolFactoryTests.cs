using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Tools;
using static Steward.Tests.Tools.ToolContexts;

namespace Steward.Tests.Tools;

public sealed class ToolFactoryTests
{
    [Fact]
    public void FromMethod_Attribute_SaysWhatTheToolIs()
    {
        ToolDefinition tool = ToolFactory.FromType(new Mailer()).Single(t => t.Name == "send_mail");

        Assert.Equal("Sends a mail.", tool.Description);
        Assert.Equal(ToolEffect.Idempotent, tool.Effect);
        Assert.True(tool.Destructive);
        Assert.True(tool.RequiresApproval);
        Assert.Equal(TimeSpan.FromSeconds(5), tool.Timeout);
        Assert.Equal(0.25m, tool.CostUsd);
        Assert.Equal(TimeSpan.FromHours(2), tool.KeyMemory);
        Assert.Equal(4, tool.MaxRepeats);
        Assert.Equal(100, tool.MaxResult);
    }

    [Fact]
    public void FromMethod_NoAttribute_IsUnsafeWithTheDefaults()
    {
        ToolDefinition tool = ToolFactory.FromMethod(() => "x", new() { Name = "x" });

        Assert.Equal(ToolEffect.Unsafe, tool.Effect);
        Assert.Equal(TimeSpan.FromSeconds(60), tool.Timeout);
        Assert.Equal(8192, tool.MaxResult);
        Assert.Null(tool.MaxRepeats);
    }

    [Fact]
    public void FromMethod_Options_WinOverTheAttribute()
    {
        ToolDefinition tool = ToolFactory.FromMethod(new Mailer().SendMailAsync, new() { Name = "post", Effect = ToolEffect.ReadOnly, CostUsd = 0 });

        Assert.Equal("post", tool.Name);
        Assert.Equal(ToolEffect.ReadOnly, tool.Effect);
        Assert.Equal(0, tool.CostUsd);
        Assert.True(tool.Destructive);
    }

    [Fact]
    public void FromMethod_Lambda_NeedsAName()
    {
        var error = Assert.Throws<ArgumentException>(() => ToolFactory.FromMethod(() => 1));
        Assert.Contains("lambda", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromMethod_LocalFunction_HasItsName()
    {
        static int CountRows() => 1;
        Assert.Equal("count_rows", ToolFactory.FromMethod(CountRows).Name);
    }

    [Fact]
    public void FromMethod_RuntimeParameters_AreNotInTheSchema()
    {
        ToolDefinition tool = ToolFactory.FromMethod(
            (string a, ToolContext context, IServiceProvider services, [FromHost] TimeProvider time, CancellationToken cancellationToken) => a,
            new() { Name = "t" });

        Assert.Equal("""{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}""", tool.Schema.GetRawText());
    }

    [Fact]
    public async Task FromMethod_RuntimeParameters_AreBound()
    {
        var services = new Services(TimeProvider.System);
        ToolDefinition tool = ToolFactory.FromMethod(
            (ToolContext context, IServiceProvider given, [FromHost] TimeProvider time, CancellationToken token) =>
                $"{context.IdempotencyKey} {ReferenceEquals(given, services)} {time == TimeProvider.System} {token == TestContext.Current.CancellationToken}",
            new() { Name = "t" });

        Assert.Equal("key-1 True True True", await tool.CallAsync(context: Context(services: services)));
    }

    [Fact]
    public async Task FromMethod_ServiceMissing_SurelyDidNotHappen()
    {
        ToolDefinition tool = ToolFactory.FromMethod(([FromHost] TimeProvider time) => "x", new() { Name = "t" });
        ToolException e = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.Contains("was not called", e.Message, StringComparison.Ordinal);
        Assert.IsType<InvalidOperationException>(e.InnerException);
    }

    [Theory]
    [InlineData("range", """{"type":"integer","minimum":1,"maximum":10}""")]
    [InlineData("exact", """{"type":"number","minimum":1.5,"maximum":3}""")]
    [InlineData("above", """{"type":"number","maximum":2,"exclusiveMinimum":0.5}""")]
    [InlineData("when", """{"type":"string","format":"date-time"}""")]
    [InlineData("sized", """{"type":"string","minLength":2,"maxLength":10}""")]
    [InlineData("list", """{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":3}""")]
    [InlineData("length", """{"type":"string","minLength":1,"maxLength":4}""")]
    [InlineData("regex", """{"type":"string","pattern":"^a+$"}""")]
    [InlineData("mail", """{"type":"string","format":"email"}""")]
    [InlineData("url", """{"type":"string","format":"uri"}""")]
    [InlineData("allowed", """{"type":"string","enum":["a","b"]}""")]
    [InlineData("denied", """{"type":"string","not":{"enum":["x"]}}""")]
    [InlineData("base64", """{"type":"string","contentEncoding":"base64"}""")]
    [InlineData("required", """{"type":"string","minLength":1}""")]
    [InlineData("described", """{"description":"How warm.","type":"integer"}""")]
    [InlineData("kind", """{"type":"string","enum":["Red","Green"]}""")]
    [InlineData("optional", """{"type":["string","null"],"default":null,"enum":["a",null]}""")]
    public void FromMethod_DataAnnotation_IsInTheSchema(string parameter, string expected)
    {
        JsonElement properties = ToolFactory.FromMethod(Annotated).Schema.GetProperty("properties");
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), properties.GetProperty(parameter)), properties.GetProperty(parameter).GetRawText());
    }

    [Fact]
    public void FromMethod_Schema_IsClosedAndNamesWhatIsRequired()
    {
        JsonElement schema = ToolFactory.FromMethod(Annotated).Schema;
        string?[] required = [.. schema.GetProperty("required").EnumerateArray().Select(e => e.GetString())];

        Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
        Assert.Contains("range", required);
        Assert.DoesNotContain("optional", required);
    }

    [Fact]
    public async Task Call_ComplexArguments_AreRead()
    {
        ToolDefinition tool = ToolFactory.FromMethod(
            (Order order, Color color, Color? other = Color.Green, DateTime when = default, int count = 7) => $"{order.Item} {order.Amount} {color} {other} {when.Ticks} {count}",
            new() { Name = "t" });

        Assert.Equal("tea 2 Red Green 0 7", await tool.CallAsync("""{"order":{"item":"tea","amount":2},"color":"Red"}"""));
    }

    [Theory]
    [InlineData("""{"when":"tomorrow"}""", "when")]
    [InlineData("""{}""", "missing")]
    public async Task Call_ArgumentThatCannotBeRead_IsToldToTheModel(string arguments, string says)
    {
        ToolDefinition tool = ToolFactory.FromMethod((DateTime when) => "x", new() { Name = "t" });
        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync(arguments));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_Results_BecomeText()
    {
        Assert.Equal("plain", await Result(() => "plain"));
        Assert.Equal("done", await Result(() => { }));
        Assert.Equal("done", await Result(() => Task.CompletedTask));
        Assert.Equal("42", await Result(() => Task.FromResult(42)));
        Assert.Equal("""{"item":"tea","amount":2}""", await Result(() => ValueTask.FromResult(new Order("tea", 2))));
        Assert.Equal("""["Red"]""", await Result(() => new[] { Color.Red }));
        Assert.Equal("""{"a":1}""", await Result(() => JsonElement.Parse("""{"a":1}""")));

        static Task<string> Result(Delegate method) => ToolFactory.FromMethod(method, new() { Name = "t" }).CallAsync();
    }

    [Fact]
    public async Task Call_ToolOutput_KeepsItsCost()
    {
        ToolDefinition tool = ToolFactory.FromMethod(() => Task.FromResult(new ToolOutput("x") { CostUsd = 0.5m }), new() { Name = "t" });
        ToolOutput output = await tool.Handler(Context(), JsonElement.Parse("{}"), TestContext.Current.CancellationToken);
        Assert.Equal(0.5m, output.CostUsd);
    }

    [Fact]
    public async Task Call_MethodThrows_TheExceptionItselfPasses()
    {
        ToolDefinition now = ToolFactory.FromMethod(string () => throw new InvalidDataException("boom"), new() { Name = "t" });
        ToolDefinition later = ToolFactory.FromMethod(async Task<string> () => { await Task.Yield(); throw new ToolException("no stock"); }, new() { Name = "t" });

        await Assert.ThrowsAsync<InvalidDataException>(() => now.CallAsync());
        await Assert.ThrowsAsync<ToolException>(() => later.CallAsync());
    }

    [Fact]
    public async Task FromType_Probe_IsFoundAndBound()
    {
        ToolDefinition tool = ToolFactory.FromType(new Mailer()).Single(t => t.Name == "send_mail");

        ProbeResult found = await tool.ProbeAsync("""{"to":"a@b.c","body":"hello"}""");
        Assert.Equal(ProbeResult.Happened("a@b.c key-1"), found);
    }

    [Fact]
    public void FromType_Tools_AreThoseWithTheAttribute() =>
        Assert.Equal(["count", "send_mail"], ToolFactory.FromType(new Mailer()).Select(t => t.Name).Order());

    [Fact]
    public void FromType_StaticClass_GivesItsStaticTools() =>
        Assert.Equal(["add"], ToolFactory.FromType(typeof(Arithmetic)).Select(t => t.Name));

    [Theory]
    [InlineData(typeof(NoTools))]
    [InlineData(typeof(ProbeOfNothing))]
    [InlineData(typeof(ProbeWithOtherArguments))]
    [InlineData(typeof(ProbeOfWrongType))]
    [InlineData(typeof(TwoOfOneName))]
    public void FromType_Mistake_IsRefused(Type type) =>
        Assert.Throws<ArgumentException>(() => ToolFactory.FromType(type));

    [Fact]
    public async Task FromAIFunction_Function_KeepsSchemaAndGetsTheContext()
    {
        ToolContext? seen = null;
        AIFunction function = AIFunctionFactory.Create(
            (string a, AIFunctionArguments arguments) => { seen = (ToolContext)arguments.Context![typeof(ToolContext)]!; return new Order(a, 1); },
            "order",
            "Orders.");
        ToolDefinition tool = ToolFactory.FromAIFunction(function, ToolEffect.Idempotent);

        Assert.Equal("""{"item":"tea","amount":1}""", await tool.CallAsync("""{"a":"tea"}"""));
        Assert.Equal(("order", "Orders.", ToolEffect.Idempotent), (tool.Name, tool.Description, tool.Effect));
        Assert.Equal("key-1", seen!.IdempotencyKey);
        Assert.True(JsonElement.DeepEquals(function.JsonSchema, tool.Schema));
    }

    private static string Annotated(
        [Range(1, 10)] int range,
        [Range(typeof(decimal), "1.5", "3")] decimal exact,
        [Range(0.5, 2, MinimumIsExclusive = true)] double above,
        [Range(typeof(DateTime), "2020-01-01", "2030-01-01")] DateTime when,
        [StringLength(10, MinimumLength = 2)] string sized,
        [MinLength(1), MaxLength(3)] string[] list,
        [Length(1, 4)] string length,
        [RegularExpression("^a+$")] string regex,
        [EmailAddress] string mail,
        [Url] string url,
        [AllowedValues("a", "b")] string allowed,
        [DeniedValues("x")] string denied,
        [Base64String] string base64,
        [Required] string required,
        [Description("How warm.")] int described,
        Color kind,
        [AllowedValues("a")] string? optional = null) => "";

    private enum Color
    {
        Red,
        Green,
    }

    private sealed record Order(string Item, int Amount);

    private sealed class Services(TimeProvider time) : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType == typeof(TimeProvider) ? time : null;
    }

    private sealed class Mailer
    {
        [Tool(Effect = ToolEffect.Idempotent, Destructive = true, RequiresApproval = true, TimeoutSeconds = 5, CostUsd = 0.25, KeyMemoryHours = 2, MaxRepeats = 4, MaxResult = 100)]
        [Description("Sends a mail.")]
        public Task<string> SendMailAsync(string to, string body) => Task.FromResult("sent");

        [ToolProbe(nameof(SendMailAsync))]
        public Task<ProbeResult> WasItSent(string to, ToolContext context) => Task.FromResult(ProbeResult.Happened($"{to} {context.IdempotencyKey}"));

        [Tool(Effect = ToolEffect.ReadOnly)]
        private static int Count() => 1;

        public void NotATool()
        {
        }
    }

    private static class Arithmetic
    {
        [Tool]
        public static int Add(int a, int b) => a + b;
    }

    private static class NoTools;

    private static class ProbeOfNothing
    {
        [Tool]
        public static int Add(int a) => a;

        [ToolProbe("Subtract")]
        public static ProbeResult Probe() => ProbeResult.Unknown;
    }

    private static class ProbeWithOtherArguments
    {
        [Tool]
        public static int Add(int a) => a;

        [ToolProbe(nameof(Add))]
        public static ProbeResult Probe(string a) => ProbeResult.Unknown;
    }

    private static class ProbeOfWrongType
    {
        [Tool]
        public static int Add(int a) => a;

        [ToolProbe(nameof(Add))]
        public static bool Probe() => true;
    }

    private static class TwoOfOneName
    {
        [Tool]
        public static int Add(int a) => a;

        [Tool]
        public static int AddAsync(int a) => a;
    }
}
