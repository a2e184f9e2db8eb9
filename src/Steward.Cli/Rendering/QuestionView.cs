using System.Globalization;
using System.Text.Json;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Cli.Rendering;

/// <summary>A question as a person reads it: what is asked, and each argument by name.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Words">The question in words.</param>
/// <param name="Tool">The tool whose call it is about.</param>
/// <param name="Arguments">The arguments of that call.</param>
/// <param name="IsEdited">Whether somebody has edited them.</param>
internal sealed record QuestionView(QuestionKind Kind, string Words, string? Tool, JsonElement? Arguments, bool IsEdited = false)
{
    private const int MostLines = 20;

    /// <summary>Whether lists show less of it than there is.</summary>
    public bool IsShortened => Shortened.Length > 0;

    /// <summary>The arguments of which lists show only the beginning; <c>text</c> for the question's own words.</summary>
    public string[] Shortened =>
        [.. Views(whole: false).Where(v => v.Shortened).Select(v => v.Name), .. IsTextCut ? (string[])["text"] : []];

    private bool IsCall => Kind is QuestionKind.Approval or QuestionKind.OutcomeUnknown && Tool is not null;

    private string[] Text => Headline.Split('\n');

    private bool IsTextCut => Text.Length > MostLines || Text.Any(l => l.Length > ArgumentText.Shown && !IsCall);

    private string Headline => (Kind, Tool) switch
    {
        (QuestionKind.Approval, { } tool) when Arguments is null => $"May '{tool}' be called? It takes no arguments.",
        (QuestionKind.Approval, { } tool) =>
            $"May '{tool}' be called with these arguments?{(IsEdited ? " Somebody has edited them." : "")}",
        (QuestionKind.OutcomeUnknown, not null) when Arguments is { } arguments => Words
            .Replace(ArgumentText.Write(arguments), "these arguments", StringComparison.Ordinal)
            .Replace(arguments.GetRawText(), "these arguments", StringComparison.Ordinal),
        _ => Words,
    };

    public static QuestionView Of(QuestionInfo question) =>
        new(question.Kind, question.Text, question.Tool, question.Arguments, question.IsEdited);

    public static QuestionView Of(QuestionAsked question) => new(question.Kind, question.Text, question.Tool, question.Arguments);

    /// <summary>Writes it: the words, then a line for each argument.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="before">What stands before the words.</param>
    /// <param name="whole">Whether nothing is left out.</param>
    /// <param name="indent">Columns before the words.</param>
    public void Write(Output output, string before = "", bool whole = false, int indent = 0)
    {
        string[] lines = [.. Text.Take(whole ? int.MaxValue : MostLines).Select(l => whole || IsCall ? l : Cut(l))];
        foreach ((int i, string line) in lines.Index())
            WriteWords(output, (i == 0 ? before : "") + line, indent);
        if (Text.Length > lines.Length)
            output.Hanging(string.Create(CultureInfo.InvariantCulture, $"… (+{Text.Length - lines.Length} lines)"), indent, Styles.Warn);
        WriteArguments(output, whole, indent + 2);
    }

    /// <summary>Writes a line for each argument of a call.</summary>
    public void WriteArguments(Output output, bool whole, int indent)
    {
        foreach (ArgumentView view in Views(whole))
            output.Hanging($"{view.Name}: {view.Text}", indent);
    }

    /// <summary>Words that a model wrote stay within bounds; those of the runtime are wrapped by the terminal.</summary>
    private void WriteWords(Output output, string line, int indent)
    {
        if (IsCall)
            output.Line(new string(' ', indent) + line, Styles.Warn);
        else
            output.Hanging(line, indent, Styles.Warn);
    }

    private IReadOnlyList<ArgumentView> Views(bool whole) =>
        !IsCall || Arguments is not { } arguments ? [] : whole ? ArgumentView.Whole(arguments) : ArgumentView.Of(arguments);

    private static string Cut(string line) => line.Length <= ArgumentText.Shown
        ? line
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{line.AsSpan(0, ArgumentText.Shown)}… (+{line.Length - ArgumentText.Shown:N0} characters)");
}
