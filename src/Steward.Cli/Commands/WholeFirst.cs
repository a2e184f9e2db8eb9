using System.CommandLine;
using Steward.Cli.Host;
using Steward.Cli.Rendering;

namespace Steward.Cli.Commands;

/// <summary>Sees to it that nobody lets a call be made of which they saw a part only.</summary>
/// <param name="output">Where the whole is shown.</param>
/// <param name="answers">Lines that a person types; null where nobody can be asked.</param>
internal sealed class WholeFirst(Output output, Func<CancellationToken, Task<string?>>? answers)
{
    public static Option<bool> Option() => CommonOptions.Named<bool>(
        "--whole", "Show the whole arguments first and, on a terminal, ask; elsewhere it says that they are to be taken as shown.");

    /// <summary>For the process's own terminal.</summary>
    public static WholeFirst OnTerminal(Output output) => new(
        output,
        output.Json || Console.IsInputRedirected || Console.IsOutputRedirected
            ? null
            : cancellationToken => new LineReader(Console.In).TakeAsync(cancellationToken));

    /// <summary>Whether a call may be let through: at once where lists show all of it, or who decides says what they saw.</summary>
    /// <param name="question">The question.</param>
    /// <param name="view">What it asks.</param>
    /// <param name="isNamed">Whether who decides has named the binding, and so what was seen.</param>
    /// <param name="whole">Whether the whole is to be shown in any case.</param>
    /// <param name="look">The command that shows the whole.</param>
    /// <param name="cancellationToken">Cancels the wait for an answer.</param>
    /// <returns>False when whoever was asked did not want it.</returns>
    /// <exception cref="UsageException">It has not been seen, and nobody can be asked.</exception>
    public async Task<bool> LetsAsync(
        string question,
        QuestionView view,
        bool isNamed,
        bool whole,
        string look,
        CancellationToken cancellationToken)
    {
        if (isNamed || (!whole && !view.IsShortened))
            return true;
        if (!whole && answers is null)
            throw new UsageException(
                $"'{question}' is longer than the inbox shows ({string.Join(", ", view.Shortened)}), so it was not answered. See the whole with '{look}', then add the --binding that stands there; or add --whole, which shows it here first.");
        view.Write(output, $"Question {question}: ", whole: true);
        if (answers is null)
            return true;
        output.Raw("Go on with this? [y/N] ");
        if (await answers(cancellationToken) is { } line && line.Trim().ToLowerInvariant() is "y" or "yes")
            return true;
        output.Line("Nothing was decided.", Styles.Warn);
        return false;
    }
}
