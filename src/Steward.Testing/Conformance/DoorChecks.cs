using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>What a database could not hold is refused by every store, in the same words, before anything is written.</summary>
internal static class DoorChecks
{
    private const string Nul = "a\0b";
    private static readonly string s_half = $"a{(char)0xD800}";

    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Door_NamesOfARun_AreRefusedWithTheirField),
        ConformanceCheck.Of(Door_SignalsDecisionsFeedback_AreRefusedWithTheirField),
        ConformanceCheck.Of(Door_LongestNames_AreTaken),
    ];

    private static async Task Door_NamesOfARun_AreRefusedWithTheirField(Scene s)
    {
        foreach (string poison in (string[])[Nul, s_half])
        {
            await RefusedAsync("tenant", () => s.Store.StartAsync(s.Start(tenant: poison), s.Token).AsTask());
            await RefusedAsync("session", () => s.Store.StartAsync(s.Start(session: poison), s.Token).AsTask());
            await RefusedAsync("key", () => s.Store.StartAsync(s.Start(key: poison), s.Token).AsTask());
            await RefusedAsync("tenant", () => s.Store.FindAsync(new RunQuery { Tenant = poison }, s.Token).AsTask());
            await RefusedAsync("id", () => s.Store.QuestionsAsync(new QuestionQuery { Id = poison }, s.Token).AsTask());
            await RefusedAsync("prefix", () => s.Store.BudgetsAsync(poison, cancellationToken: s.Token).AsTask());
        }

        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery(), s.Token)).Count);
    }

    private static async Task Door_SignalsDecisionsFeedback_AreRefusedWithTheirField(Scene s)
    {
        RunStart start = s.Start();
        await s.Store.StartAsync(start, s.Token);
        foreach (string poison in (string[])[Nul, s_half])
        {
            await RefusedAsync("id", () => s.Store.SignalAsync(new Signal(poison, start.Run, new NamedSignal("go", null)), s.Token).AsTask());
            await RefusedAsync(
                "input[0].text",
                () => s.Store.SignalAsync(new Signal("s", start.Run, new MessageSignal([new TextPart(poison)])), s.Token).AsTask());
            await RefusedAsync(
                "note",
                () => s.Store.DecideAsync(
                    new Decision { Id = "d", Run = start.Run, Question = "q", Answer = Answer.Deny, By = "ann", Note = poison }, s.Token).AsTask());
            await RefusedAsync(
                "comment",
                () => s.Store.AddFeedbackAsync(
                    new Feedback { Id = "f", Run = start.Run, Kind = FeedbackKind.Explicit, By = "ann", At = s.Now, Comment = poison },
                    s.Token).AsTask());
            await RefusedAsync("reason", () => s.Store.EngageAsync(new KillSwitch("global", "ann", poison, s.Now), s.Token).AsTask());
        }

        Expect.Equal(0, (await s.Store.InboxAsync(start.Run, s.Token)).Count);
    }

    private static async Task Door_LongestNames_AreTaken(Scene s)
    {
        // Of characters that compress badly and take three bytes each, and nine where they are escaped.
        RunStart start = s.Start(
            tenant: Long(InputRules.MaxTenant, 1), session: Long(InputRules.MaxName, 2), key: Long(InputRules.MaxName, 3));
        Expect.True((await s.Store.StartAsync(start, s.Token)).Created);
        Expect.Equal(
            SignalResult.Accepted,
            await s.Store.SignalAsync(new Signal(Long(InputRules.MaxId, 4), start.Run, new NamedSignal("go", null)), s.Token));
        Expect.Equal(start.Run, (await s.Store.FindAsync(new RunQuery { Session = start.Started.Session }, s.Token))[0].Run);
    }

    private static string Long(int length, int step) =>
        string.Create(length, step, static (text, step) =>
        {
            for (int i = 0; i < text.Length; i++)
                text[i] = (char)(0x4E00 + i * 7919 * step % 20_000);
        });

    private static async Task RefusedAsync(string field, Func<Task> act) =>
        Expect.Equal(field, (await Expect.ThrowsAsync<InvalidInputException>(act)).Field);
}
