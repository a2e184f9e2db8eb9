using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>What tools bring that is no text, and models that do not take it. The models are scripted.</summary>
public sealed class ToolAttachmentTests
{
    private static readonly byte[] s_png = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, .. new byte[34_808]];
    private static readonly byte[] s_pdf = [.. "%PDF-1.4\n"u8, .. new byte[491]];

    [Theory]
    [InlineData("png", "[An image of 34 KiB (image/png), left out: the model 'scripted/blind' does not take it.]")]
    [InlineData("pdf", "[A document of 500 bytes (application/pdf), left out: the model 'scripted/blind' does not take it.]")]
    [InlineData("uri", "[An image at https://example.com/a.png (image/png), left out: the model 'scripted/blind' does not take it.]")]
    [InlineData("caption", "two\n\n[An image of 34 KiB (image/png), left out: the model 'scripted/blind' does not take it.]")]
    public async Task Content_ThatTheOnlyModelDoesNotTake_IsNamedAndTheRunGoesOn(string kind, string result)
    {
        Asked asked = new();
        var lab = new Lab(asked.Model("look"), Agent([Returning("look", kind)], "blind")) { Prices = [Info("blind")] };

        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Empty(asked.Attachments);
        ToolReturned returned = Assert.Single(await ReturnedAsync(lab, run));
        Assert.Equal((result, null), (returned.Result, returned.Content));
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task Content_ThatALaterModelTakes_StaysAndTheFirstIsPassedOver()
    {
        Asked asked = new();
        var lab = new Lab(asked.Model("look"), Agent([Returning("look", "png")], "blind", "sees"))
        {
            Prices = [Info("blind"), Info("sees", "image/*")],
        };

        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Equal(["blind", "sees"], asked.Models);
        Assert.Equal(["image/png"], asked.Attachments);
        Assert.Equal("[34816 bytes of image/png, shown below]", Assert.Single(await ReturnedAsync(lab, run)).Result);
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task Contents_ThatNoModelTakesTogether_KeepTheFirstAndNameTheOther()
    {
        Asked asked = new();
        ToolDefinition[] tools = [Returning("look", "png"), Returning("read", "pdf")];
        var lab = new Lab(asked.Model("look", "read"), Agent(tools, "reads", "sees"))
        {
            Prices = [Info("reads", "application/pdf"), Info("sees", "image/png")],
        };

        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Equal(["reads", "sees"], asked.Models);
        Assert.Equal(["image/png"], asked.Attachments);
        Assert.Equal(
            "[A document of 500 bytes (application/pdf), left out: no model of 'scripted/reads', 'scripted/sees' "
            + "takes it together with the attachments before it.]",
            (await ReturnedAsync(lab, run))[1].Result);
        Assert.Null((await ReplayAsync(lab, run)).Divergence);
    }

    [Fact]
    public async Task Content_OfAModelThatNeedsTheInputToo_IsHeldAgainstTheInput()
    {
        Asked asked = new();
        var lab = new Lab(asked.Model("read"), Agent([Returning("read", "pdf")], "reads", "sees"))
        {
            Prices = [Info("reads", "application/pdf"), Info("sees", "image/png")],
        };

        RunId run = await lab.StartAsync(new RunRequest([new TextPart("go"), new DataPart("image/png", s_png)]));
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Equal(["sees", "sees"], asked.Models);
        Assert.Null(Assert.Single(await ReturnedAsync(lab, run)).Content);
    }

    [Fact]
    public async Task Content_RecordedBeforeTheModelLostIt_ReplaysAsItWas()
    {
        Asked asked = new();
        AgentDefinition agent = Agent([Returning("look", "png")], "sees");
        var lab = new Lab(asked.Model("look"), agent) { Prices = [Info("sees", "image/*")] };
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        var later = new Lab(asked.Model("look"), agent, lab.Store, lab.Time) { Prices = [Info("sees")] };

        Assert.Null((await ReplayAsync(later, run)).Divergence);
        Assert.NotNull(Assert.Single(await ReturnedAsync(lab, run)).Content);
    }

    private static AgentDefinition Agent(ToolDefinition[] tools, params string[] models) => new AgentBuilder("tester").Instruct("You test.")
        .UseModel([.. models.Select(m => new ModelTarget(Harness.Provider, m) { Stream = false, MaxOutput = 1_000 })])
        .AddTools(tools)
        .Build();

    private static ToolDefinition Returning(string name, string kind) => ToolFactory.FromMethod(
        object () => kind switch
        {
            "png" => new DataContent(s_png, "image/png"),
            "pdf" => new DataContent(s_pdf, "application/pdf"),
            "uri" => new UriContent("https://example.com/a.png", "image/png"),
            _ => (AIContent[])[new TextContent("two"), new DataContent(s_png, "image/png")],
        },
        new() { Name = name, Description = "Looks.", Effect = ToolEffect.ReadOnly });

    private static ModelInfo Info(string model, params string[] accepts) =>
        Harness.Price with { Model = model, Accepts = accepts };

    private static async Task<ToolReturned[]> ReturnedAsync(Lab lab, RunId run) =>
        [.. (await lab.JournalAsync(run)).Select(e => e.Event).OfType<ToolReturned>().OrderBy(e => e.Index)];

    private static Task<ReplayReport> ReplayAsync(Lab lab, RunId run) =>
        lab.Client().ReplayAsync(run, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>What the models were asked, and the attachments of the last request.</summary>
    private sealed class Asked
    {
        public List<string?> Models { get; } = [];

        public string[] Attachments { get; private set; } = [];

        public FunctionModel Model(params string[] tools) => new((messages, options) =>
        {
            Models.Add(options.ModelId);
            Attachments = [.. messages.SelectMany(m => m.Contents).OfType<DataContent>().Select(d => d.MediaType)];
            return messages.Any(m => m.Role == ChatRole.Tool) ? Says("seen") : Calls_([.. tools.Select(t => (t, (object)new { }))]);
        });
    }
}
