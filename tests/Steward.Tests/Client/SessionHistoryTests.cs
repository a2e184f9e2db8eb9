using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Client;

/// <summary>What a run knows of its session: all of it, or it says what not.</summary>
public sealed class SessionHistoryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task History_ExchangesWithManyChildren_KnowsThemAll()
    {
        AgentDefinition helper = new AgentBuilder("helper").Instruct("You help.").UseModel(Harness.Model).Build();
        var model = new FunctionModel((messages, options) =>
            options.Tools is null ? Says("helped")
            : messages[^1].Role == ChatRole.Tool ? Says("answered")
            : Calls_([.. Enumerable.Range(0, 30).Select(i => ("helper", (object)new { task = $"task {i}" }))]));
        Lab lab = new(model, Harness.Agent(BuiltInTools.Agent("helper", "Helps.")).Build(), others: helper);
        RunId last = default;
        for (int i = 1; i <= 6; i++)
        {
            last = await lab.StartAsync(Request($"m{i}"));
            await lab.WorkAllAsync();
        }

        HistoryAdded history = await HistoryAsync(lab, last);
        Assert.Equal(["m1", "m2", "m3", "m4", "m5"], history.Messages.Select(m => Text(m.Input)));
        Assert.Null(history.LeftOut);
        Assert.Equal(186, (await lab.Store.FindAsync(new RunQuery { Session = "s", Limit = 1_000 }, Token)).Count);
    }

    [Fact]
    public async Task History_MessagesToARunThatWasGoing_AreInIt()
    {
        var model = new FunctionModel((messages, _) => messages.Any(m => m.Text == "blue please") ? Says("blue it is")
            : messages.Any(m => m.Role == ChatRole.Tool) ? Says("done") : Calls_(("ask_user", new { question = "Which one?" })));
        Lab lab = new(model, Harness.Agent(BuiltInTools.AskUser).Build());
        RunId first = await lab.StartAsync(Request("paint it"));
        await lab.WorkAllAsync();
        await lab.Handle(first).SendAsync("blue please", cancellationToken: Token);
        await lab.WorkAllAsync();
        await lab.Handle(first).AnswerAsync("ask-1.0", Answer.Reply, "ana", "the door", cancellationToken: Token);
        await lab.WorkAllAsync();
        Assert.True((await lab.StateAsync(first)).Status.IsTerminal());

        RunId second = await lab.StartAsync(Request("and now?"));
        await lab.WorkAllAsync();
        HistoryMessage message = Assert.Single((await HistoryAsync(lab, second)).Messages);
        Assert.Equal(("paint it", "blue please"), (Text(message.Input), Text(Assert.Single(message.Received!))));
        Assert.Equal("blue it is", ((RunCompleted)(await lab.StateAsync(second)).Outcome!).Output);
    }

    [Fact]
    public async Task History_TooLarge_KeepsTheNewestAndSaysWhatIsLeftOut()
    {
        List<string> asked = [];
        Lab lab = new(new FunctionModel((messages, _) =>
        {
            lock (asked)
                asked.Add(messages[1].Text);
            return Says("noted");
        }), Harness.Agent().Build());
        RunId last = default;
        for (int i = 1; i <= 5; i++)
        {
            last = await lab.StartAsync(Request($"{i} {new string('x', 12_000)}"));
            await lab.WorkAllAsync();
        }

        HistoryAdded history = await HistoryAsync(lab, last);
        Assert.Equal(["3", "4"], history.Messages.Select(m => Text(m.Input)[..1]));
        Assert.Equal(new HistoryLeftOut(2, 0), history.LeftOut);
        Assert.StartsWith("[2 or more earlier exchanges", asked[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task History_LargeAttachments_AreReplacedByANoteThatIsCounted()
    {
        Lab lab = new(new FunctionModel((_, _) => Says("seen")), Harness.Agent().WithBudget(BudgetCeilings.None).Build());
        RunId last = default;
        for (int i = 1; i <= 3; i++)
        {
            ContentPart[] input = [new TextPart($"m{i}"), new DataPart("image/png", new byte[500_000])];
            last = await lab.StartAsync(new RunRequest(input) { Session = "s" });
            await lab.WorkAllAsync();
        }

        HistoryAdded history = await HistoryAsync(lab, last);
        Assert.Equal(new HistoryLeftOut(0, 1), history.LeftOut);
        Assert.IsType<DataPart>(history.Messages[1].Input[1]);
        Assert.Contains("image/png, 500000 bytes", ((TextPart)history.Messages[0].Input[1]).Text, StringComparison.Ordinal);
    }

    private static RunRequest Request(string text) => new(text) { Session = "s", User = "ana" };

    private static string Text(IReadOnlyList<ContentPart> parts) => ((TextPart)parts[0]).Text;

    private static async Task<HistoryAdded> HistoryAsync(Lab lab, RunId run) =>
        Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<HistoryAdded>());
}
