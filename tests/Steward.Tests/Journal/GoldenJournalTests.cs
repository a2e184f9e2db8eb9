using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Engine.Seams;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Journal;

/// <summary>Journals of released versions, kept for ever: each must verify and fold to the state it had. Never edit one; add a folder for a new version.</summary>
public sealed class GoldenJournalTests
{
    internal static string Folder => Path.Combine(AppContext.BaseDirectory, "Journals");

    public static TheoryData<string> Journals =>
        [.. Directory.GetFiles(Folder, "*.jsonl", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Folder, f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Journals))]
    public void Journal_OfAReleasedVersion_VerifiesAndFoldsToItsState(string file)
    {
        (List<JournalEntry> journal, string expected) = Read(Path.Combine(Folder, file));

        RunState state = Invariants.Check(journal);

        Assert.Equal(expected, Describe(state));
        Assert.All(journal, e => Assert.Equal(Encoding.UTF8.GetString(e.Payload.Span), Encoding.UTF8.GetString(EventWire.Write(e.Event))));
    }

    [Fact]
    public void Journals_OfThisVersion_HoldEveryEvent()
    {
        IEnumerable<string> seen = Journals.SelectMany(f => Read(Path.Combine(Folder, f.Data)).Journal).Select(e => e.Type).Distinct();

        Assert.Equal(EventWire.Names.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }

    /// <summary>Writes the journals of a new version into the folder that STEWARD_WRITE_JOURNALS names.</summary>
    [Fact]
    public async Task Journals_AskedToWrite_AreWritten()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("STEWARD_WRITE_JOURNALS") is null, "STEWARD_WRITE_JOURNALS names no folder: nothing to write.");
        string folder = Directory.CreateDirectory(Environment.GetEnvironmentVariable("STEWARD_WRITE_JOURNALS")!).FullName;
        await WriteAsync(folder, "completed", await CompletedAsync());
        await WriteAsync(folder, "asked", await AskedAsync());
        await WriteAsync(folder, "exhausted", await ExhaustedAsync(new BudgetCeilings { Tokens = 6_000 }));
        await WriteAsync(folder, "alerted", await ExhaustedAsync(new BudgetCeilings { ModelCalls = 5 }));
        await WriteAsync(folder, "cancelled", await CancelledAsync());
        await WriteAsync(folder, "planned", await PlannedAsync());
        await WriteAsync(folder, "waited", await WaitedAsync());
        await WriteAsync(folder, "migrated", await MigratedAsync());
        await WriteAsync(folder, "handed_off", await HandedOffAsync());
        await WriteAsync(folder, "overridden", await OverriddenAsync());
        await WriteAsync(folder, "informed", await InformedAsync());
        await WriteAsync(folder, "declined", await DeclinedAsync());
        await WriteAsync(folder, "attached", await AttachedAsync());
    }

    private static string Describe(RunState s) =>
        $"{s.Status} {s.Reason} turn {s.Turn} spent {s.Spent} reserved {s.Reserved} messages {s.Conversation.Messages.Count} {Convert.ToHexStringLower(s.Conversation.Hash.Span)[..16]} calls {s.Completed.Count} mistakes {s.Mistakes}";

    internal static (List<JournalEntry> Journal, string Expected) Read(string path)
    {
        List<JournalEntry> journal = [];
        string expected = "";
        foreach (string line in File.ReadLines(path))
        {
            JsonElement row = JsonElement.Parse(line);
            if (row.TryGetProperty("expected", out JsonElement end))
                expected = end.GetString()!;
            else
                journal.Add(Entry(row));
        }

        return (journal, expected);
    }

    private static JournalEntry Entry(JsonElement row) => new(
        RunId.Parse(row.GetProperty("run").GetString()!),
        row.GetProperty("sequence").GetInt64(),
        row.GetProperty("type").GetString()!,
        DateTimeOffset.FromUnixTimeMilliseconds(row.GetProperty("time").GetInt64()),
        Encoding.UTF8.GetBytes(row.GetProperty("payload").GetString()!),
        Convert.FromHexString(row.GetProperty("payloadHash").GetString()!),
        Convert.FromHexString(row.GetProperty("hash").GetString()!));

    private static async Task WriteAsync(string folder, string name, (Lab Lab, RunId Run) made)
    {
        List<JournalEntry> journal = await made.Lab.JournalAsync(made.Run);
        IEnumerable<string> lines = journal.Select(e => new JsonObject
        {
            ["run"] = e.Run.ToString(),
            ["sequence"] = e.Sequence,
            ["type"] = e.Type,
            ["time"] = e.Time.ToUnixTimeMilliseconds(),
            ["payload"] = Encoding.UTF8.GetString(e.Payload.Span),
            ["payloadHash"] = Convert.ToHexStringLower(e.PayloadHash.Span),
            ["hash"] = Convert.ToHexStringLower(e.Hash.Span),
        }.ToJsonString());
        string expected = new JsonObject { ["expected"] = Describe(Invariants.Check(journal)) }.ToJsonString();
        await File.WriteAllLinesAsync(Path.Combine(folder, $"{name}.jsonl"), [.. lines, expected], TestContext.Current.CancellationToken);
    }

    private static async Task<(Lab Lab, RunId Run)> CompletedAsync()
    {
        bool retried = false;
        var model = new FunctionModel((m, _) =>
        {
            if (!retried)
            {
                retried = true;
                throw new ModelException(ModelFailure.Overloaded, "busy") { NotBilled = true, StatusCode = 529 };
            }

            return m.Count(x => x.Role == ChatRole.Assistant) switch
            {
                0 => Calls_(("look", new { id = 7 }), ("lok", new { })),
                1 => Calls_(("big", new { })),
                2 => Says("First try."),
                _ => Says("Second try."),
            };
        });
        int looks = 0;
        var validator = new DelegateValidator("twice", "passes at the second look", (_, _) => ValueTask.FromResult(++looks == 1 ? Finding.Failed("not yet.") : Finding.Passed("seen")));
        var lab = new Lab(model, Harness.Agent(Harness.Tool("look", _ => "seven"), Harness.Tool("big", _ => new string('b', 9_000))).AddValidators(validator).Build());
        RunId run = await lab.StartAsync(new RunRequest("Look at 7.") { User = "ana", Session = "s1", Tenant = "acme", Key = "k1", Ceilings = new BudgetCeilings { Usd = 1m } });
        await lab.Store.SignalAsync(new Signal("m1", run, new MessageSignal([new TextPart("And be quick.")])), TestContext.Current.CancellationToken);
        await lab.WorkAsync();
        return (lab, run);
    }

    private static async Task<(Lab Lab, RunId Run)> AskedAsync()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ToolDefinition breaks = new("breaks", "Tested.", JsonElement.Parse("{}"), (_, _, _) => throw new InvalidOperationException("broke"));
        ToolDefinition probed = new("probed", "Tested.", JsonElement.Parse("{}"), (_, _, _) => throw new InvalidOperationException("broke"))
        {
            Probe = (_, _, _) => ValueTask.FromResult(ProbeResult.Happened("found")),
        };
        ToolDefinition approved = new("approved", "Tested.", JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("ok"))) { RequiresApproval = true };
        var lab = new Lab(Script(Calls_(("breaks", new { a = 1 }), ("probed", new { b = 2 }), ("approved", new { c = 3 })), Says("done")), Harness.Agent(breaks, probed, approved).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        RunState state = await lab.StateAsync(run);
        await lab.Store.SignalAsync(new Signal("a0", run, new AnswerSignal("nothing", Answer.Approve, "ana", null, null)), cancellationToken);
        foreach (QuestionAsked question in state.Questions)
        {
            Answer answer = question.Kind == QuestionKind.Approval ? Answer.Deny : Answer.Happened;
            await lab.Store.SignalAsync(new Signal($"a-{question.Id}", run, new AnswerSignal(question.Id, answer, "ana", answer == Answer.Happened ? "it did" : null, "I looked")), cancellationToken);
        }

        await lab.WorkAsync();
        return (lab, run);
    }

    /// <summary>A source of context, one of tools, a side call and a judge, on a run with labels and a trace.</summary>
    private static async Task<(Lab Lab, RunId Run)> InformedAsync()
    {
        var model = new FunctionModel((m, _) => m switch
        {
            [{ Role: var role }, _] when role == ChatRole.System && m[0].Text.Contains("Rubric", StringComparison.Ordinal) => Says("""{"verdict":"passed","evidence":"catalog__find says seven"}"""),
            [.., { Text: var text }] when text.StartsWith("In one word", StringComparison.Ordinal) => Says("tea"),
            _ => m.Any(x => x.Role == ChatRole.Assistant) ? Says("It is seven.") : Calls_(("catalog__find", new { })),
        });
        var lab = new Lab(model, Informed);
        RunId run = await lab.StartAsync(new RunRequest("go")
        {
            Labels = new Dictionary<string, string> { ["ticket"] = "991" },
            Trace = new TraceContext("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "vendor=1"),
        });
        await lab.WorkAllAsync();
        return (lab, run);
    }

    /// <summary>An outage that was waited out, data that only its provider reads, a call that never came, and a refusal after half an answer.</summary>
    private static async Task<(Lab Lab, RunId Run)> DeclinedAsync()
    {
        var origin = new Opaque("chat", """{"reasoning_content":"hm"}""");
        bool isDown = true;
        var model = new FunctionModel((m, _) =>
        {
            if (isDown)
                throw new ModelException(ModelFailure.Overloaded, "The provider answered 529.") { StatusCode = 529, RetryAfter = TimeSpan.FromSeconds(75), NotBilled = true };
            ChatResponse answer = m.Count(x => x.Role == ChatRole.Assistant) switch
            {
                0 => Calls_(("look", new { a = 1 })),
                1 => Says("Now I look again."),
                _ => Says("The first half"),
            };
            if (answer.Messages[0].Contents is [FunctionCallContent call])
            {
                call.AdditionalProperties = new() { [OpaqueContent.RawArguments] = """{ "a" : 1 }""" };
                answer.Messages[0].Contents.Insert(0, new OpaqueContent(origin));
                answer.Messages[0].Contents.Insert(1, OpaqueContent.Attach(new TextReasoningContent("hm"), origin));
            }
            else
            {
                answer.FinishReason = answer.Text.StartsWith("Now", StringComparison.Ordinal) ? ChatFinishReason.ToolCalls : ChatFinishReason.ContentFilter;
            }

            return answer;
        });
        var lab = new Lab(model, Harness.Agent(Harness.Tool("look", _ => "seen")).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        isDown = false;
        lab.Time.Advance(TimeSpan.FromSeconds(75));
        await lab.WorkAllAsync();
        return (lab, run);
    }

    /// <summary>An attachment in the store, an exchange before it that lost one for its size, a picture that a tool took, and an approval by somebody
    /// else than the starter.</summary>
    private static async Task<(Lab Lab, RunId Run)> AttachedAsync()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ToolDefinition pay = new("pay", "Tested.", JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("paid")));
        ToolDefinition shoot = new("shoot", "Tested.", JsonElement.Parse("{}"), (_, _, _) =>
            ValueTask.FromResult(new ToolOutput("a picture") { Content = [new DataPart("image/png", [1, 2, 3])] }));
        FunctionModel model = Script(Says("one"), Calls_(("shoot", new { }), ("pay", new { n = 1 })), Says("done"));
        var lab = new Lab(model, Harness.Agent(shoot, pay).AddApprovals(FourEyes).Build());
        RunId first = await lab.StartAsync(new RunRequest([new TextPart("first"), new DataPart("image/png", new byte[1 << 20])]) { Session = "s" });
        await lab.Store.SignalAsync(new Signal("m1", first, new MessageSignal([new TextPart("And be quick.")])), cancellationToken);
        await lab.WorkAllAsync();
        lab.Time.Advance(TimeSpan.FromSeconds(1));
        BlobPart blob = await lab.Client().PutBlobAsync(new MemoryStream("a page"u8.ToArray()), "application/pdf", cancellationToken: cancellationToken);
        RunId run = await lab.StartAsync(new RunRequest([new TextPart("second"), blob]) { Session = "s", By = "ana" });
        await lab.WorkAllAsync();
        QuestionAsked question = (await lab.StateAsync(run)).Questions[0];
        await lab.Store.DecideAsync(new Decision { Id = "d1", Run = run, Question = question.Id, Answer = Answer.Approve, By = "ben" }, cancellationToken);
        await lab.WorkAllAsync();
        return (lab, run);
    }

    /// <summary>The approval policy of the journal <c>attached</c>.</summary>
    internal static ApprovalPolicy FourEyes { get; } = new() { Name = "second person", Tools = ["pay"], FourEyes = true };

    /// <summary>The definition of the journal <c>informed</c>.</summary>
    internal static AgentDefinition Informed { get; } = Harness.Agent()
        .AddContextSources(new NotesSource("Ana likes tea."))
        .AddToolSources(new CatalogSource(InformedTool))
        .AddSideCalls(new TopicCall())
        .AddValidators(new JudgeValidator("judged", "The number is named."))
        .Build();

    /// <summary>The tool that was offered in the journal <c>informed</c>.</summary>
    internal static OfferedTool InformedTool => CatalogSource.Tool("catalog__find");

    private static async Task<(Lab Lab, RunId Run)> ExhaustedAsync(BudgetCeilings ceilings)
    {
        int n = 0;
        var model = new FunctionModel((_, o) =>
        {
            var answer = o.ToolMode == ChatToolMode.None ? Says("Half of it.") : Calls_(("step", new { n = n++ }));
            answer.Usage!.OutputTokenCount = o.MaxOutputTokens;
            return answer;
        });
        var lab = new Lab(model, Harness.Agent(Harness.Tool("step", a => a.GetRawText())).WithBudget(ceilings).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        return (lab, run);
    }

    private static async Task<(Lab Lab, RunId Run)> CancelledAsync()
    {
        var lab = new Lab(Script(Says("never asked")), Harness.Agent().Build());
        RunId run = await lab.StartAsync();
        await lab.Store.SignalAsync(new Signal("c1", run, new CancelSignal("ana", "changed my mind")), TestContext.Current.CancellationToken);
        await lab.WorkAsync();
        return (lab, run);
    }

    /// <summary>A bad plan, one that a person refuses, one whose step fails, and one that leads to the goal.</summary>
    private static async Task<(Lab Lab, RunId Run)> PlannedAsync()
    {
        var lab = new Lab(new PlanningModel(), Harness.Agent(Harness.Tool("look", _ => "seven"), new ToolDefinition("drop", "Tested.", JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("gone"))) { Destructive = true }).UsePlanning().Build());
        RunId run = await lab.StartAsync();
        while (await lab.WorkAsync() is not null)
            lab.Time.Advance(TimeSpan.FromSeconds(1));
        foreach (QuestionAsked question in (await lab.StateAsync(run)).Questions)
            await lab.Store.DecideAsync(new Decision { Id = "d1", Run = run, Question = question.Id, Answer = Answer.Deny, By = "ana", Note = "Drop nothing." }, TestContext.Current.CancellationToken);
        while (await lab.WorkAsync() is not null)
            lab.Time.Advance(TimeSpan.FromSeconds(1));
        return (lab, run);
    }

    /// <summary>History of a session, a question that is reassigned, a time, a signal before and a signal after it is waited for.</summary>
    private static async Task<(Lab Lab, RunId Run)> WaitedAsync()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ChatResponse[] turns =
        [
            Calls_(("ask_user", new { question = "Which one?" }), ("wait_until", new { seconds = 60 }), ("wait_until", new { signal = "paid" }), ("wait_until", new { signal = "sent" })),
            Says("done"),
        ];
        var model = new FunctionModel((m, _) => m.Any(x => x.Text == "first") && m.Count(x => x.Role == ChatRole.User) == 1 ? Says("one") : turns[m.Any(x => x.Role == ChatRole.Tool) ? 1 : 0]);
        var lab = new Lab(model, Harness.Agent(BuiltInTools.AskUser, BuiltInTools.WaitUntil).Build());
        await lab.StartAsync(new RunRequest("first") { Session = "s" });
        await lab.WorkAsync();
        lab.Time.Advance(TimeSpan.FromSeconds(1));
        RunId run = await lab.StartAsync(new RunRequest("second") { Session = "s" });
        await lab.Store.SignalAsync(new Signal("n1", run, new NamedSignal("paid", "12.50")), cancellationToken);
        await lab.WorkAsync();
        QuestionAsked question = (await lab.StateAsync(run)).Questions[0];
        await lab.Store.ReassignAsync(new Reassignment("r1", run, question.Id, "ana", "ben"), cancellationToken);
        await lab.WorkAsync();
        await lab.Store.DecideAsync(new Decision { Id = "d1", Run = run, Question = question.Id, Answer = Answer.Reply, By = "ben", Result = "The red one." }, cancellationToken);
        await lab.Store.SignalAsync(new Signal("n2", run, new NamedSignal("sent", null)), cancellationToken);
        lab.Time.Advance(TimeSpan.FromSeconds(61));
        await lab.WorkAsync();
        return (lab, run);
    }

    private static async Task<(Lab Lab, RunId Run)> MigratedAsync()
    {
        ToolDefinition approved = new("approved", "Tested.", JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("ok"))) { RequiresApproval = true };
        FunctionModel model = Script(Calls_(("approved", new { c = 3 })), Says("done"));
        var before = new Lab(model, Harness.Agent(approved).Build());
        RunId run = await before.StartAsync();
        await before.WorkAsync();
        AgentDefinition next = new AgentBuilder("tester", "2").Instruct("You test better.").UseModel(Harness.Model).AddTools(approved).Build();
        var after = new Lab(model, next, before.Store, before.Time);
        await after.Store.SignalAsync(new Signal("g1", run, new MigrateSignal(next.Version, next.Hash, "ana", "a better prompt")), TestContext.Current.CancellationToken);
        await after.WorkAsync();
        foreach (string answer in (string[])["d1", "d2"])
        {
            if ((await after.StateAsync(run)).Questions is [var question, ..])
                await after.Store.DecideAsync(new Decision { Id = answer, Run = run, Question = question.Id, Answer = Answer.Approve, By = "ana" }, TestContext.Current.CancellationToken);
            await after.WorkAsync();
        }

        return (after, run);
    }

    /// <summary>A question that an administrator gives away.</summary>
    private static async Task<(Lab Lab, RunId Run)> OverriddenAsync()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        ToolDefinition approved = new("approved", "Tested.", JsonElement.Parse("{}"), (_, _, _) => ValueTask.FromResult(new ToolOutput("ok"))) { RequiresApproval = true };
        var lab = new Lab(Script(Calls_(("approved", new { c = 3 })), Says("done")), Harness.Agent(approved).AddApprovals(new ApprovalPolicy { Name = "finance", Tools = ["approved"], Roles = ["finance"] }).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        QuestionAsked question = (await lab.StateAsync(run)).Questions[0];
        await lab.Store.ReassignAsync(new Reassignment("r1", run, question.Id, "root", "ben") { IsOverride = true }, cancellationToken);
        await lab.Store.DecideAsync(new Decision { Id = "d1", Run = run, Question = question.Id, Answer = Answer.Approve, By = "ben" }, cancellationToken);
        await lab.WorkAsync();
        return (lab, run);
    }

    /// <summary>A task that goes over to another agent, whose answer is the run's.</summary>
    private static async Task<(Lab Lab, RunId Run)> HandedOffAsync()
    {
        AgentDefinition other = new AgentBuilder("billing").UseModel(Harness.Model).Build();
        var model = new FunctionModel((m, _) => m.Any(x => x.Text == "go") ? Calls_(("hand_off_to_billing", new { brief = "Refund 7." })) : Says("refunded"));
        var lab = new Lab(model, Harness.Agent(BuiltInTools.HandOffTo("billing", "Money.")).Build(), others: other);
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        return (lab, run);
    }
}
