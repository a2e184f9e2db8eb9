using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;
using Steward.TimeTravel;

namespace Steward.Cli.Rendering;

/// <summary>Where words go: with colour on a terminal, plain when piped, JSON when asked for; complaints go to stderr.</summary>
/// <remarks>Thread-safe: the runtime's log may speak between two lines of a command.</remarks>
internal sealed class Output
{
    private static readonly JsonSerializerOptions s_document = new() { WriteIndented = true, Encoder = ContractJson.Encoder };
    private static readonly JsonSerializerOptions s_line = new() { Encoder = ContractJson.Encoder };

    private readonly Lock _lock = new();
    private readonly PrintablePieces _pieces = new();
    private readonly IAnsiConsole? _console;
    private readonly bool _errorsInColour;

    public Output(TextWriter writer, TextWriter errorWriter, bool colour, bool json, bool errorsInColour = false)
    {
        Writer = writer;
        ErrorWriter = errorWriter;
        Json = json;
        _errorsInColour = errorsInColour;
        if (!colour || json)
            return;
        _console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Standard,
                Out = new AnsiConsoleOutput(writer) });
        // The terminal wraps by itself; a hard break in an id or a command could not be copied.
        _console.Profile.Width = 10_000;
    }

    /// <summary>Whether whole exceptions are shown.</summary>
    public static bool IsDebug => Environment.GetEnvironmentVariable("STEWARD_DEBUG") is "1" or "true";

    public TextWriter Writer { get; }

    public TextWriter ErrorWriter { get; }

    public bool Json { get; }

    /// <summary>Whether a person watches this as it comes.</summary>
    public bool IsTerminal => _console is not null;

    /// <summary>Columns of a line: <c>COLUMNS</c>, else those of the terminal; null for as many as it takes.</summary>
    public int? Width { get; init; }

    public static Output ForProcess(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        bool plain = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 }
            || (!OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("TERM") is (null or "" or "dumb"));
        return new Output(
            Console.Out, Console.Error, !plain && !Console.IsOutputRedirected, AsksForJson(args), !plain && !Console.IsErrorRedirected)
        {
            Width = Columns(),
        };
    }

    private static int? Columns()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), out int columns) && columns > 0)
            return columns;
        try
        {
            return !Console.IsOutputRedirected && Console.WindowWidth is > 0 and int width ? width : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The output of a command that no terminal shows.</summary>
    public static Output Piped(string[] args, TextWriter writer, TextWriter errorWriter) =>
        new(writer, errorWriter, colour: false, AsksForJson(args));

    // Asked before parsing, for errors of parsing are output too.
    private static bool AsksForJson(string[] args) => args.TakeWhile(a => a != "--").Contains("--json");

    /// <summary>The first words of a text, on one line.</summary>
    public static string Excerpt(string text, int length = 200)
    {
        string line = string.Join(' ', Printable.Text(text).Split((char[])['\n', '\t', ' '], StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= length ? line : $"{line[..(length - 1)]}…";
    }

    /// <summary>A text whose further lines are set in, so that none of them can pretend to be a line of the command's own.</summary>
    public static string Below(string text) => text.ReplaceLineEndings("\n").Replace("\n", "\n    ", StringComparison.Ordinal);

    /// <summary>A line for people; nothing when JSON was asked for.</summary>
    public void Line(string text = "", Style? style = null)
    {
        if (Json)
            return;
        lock (_lock)
        {
            if (_console is null)
                Writer.WriteLine(Printable.Text(text));
            else
                _console.Write(new Text(Printable.Text(text) + "\n", style ?? Style.Plain));
            _pieces.Break();
            Writer.Flush();
        }
    }

    /// <summary>A line for people that is broken to the width; what follows stands further in.</summary>
    public void Hanging(string text, int indent, Style? style = null)
    {
        foreach (string line in HangingLines.Of(text, indent, Width))
            Line(line, style);
    }

    /// <summary>A piece of a line, as it comes.</summary>
    public void Raw(string text)
    {
        if (Json)
            return;
        lock (_lock)
        {
            Writer.Write(_pieces.Next(text));
            Writer.Flush();
        }
    }

    /// <summary>Rows under headings.</summary>
    public void Table(IReadOnlyList<string> headings, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        if (Json)
            return;
        lock (_lock)
        {
            if (_console is null)
                WritePlain(headings, rows);
            else
                WriteTable(_console, headings, rows);
            Writer.Flush();
        }
    }

    /// <summary>The one JSON document of a command; nothing for people.</summary>
    public void Document(JsonNode document)
    {
        if (!Json)
            return;
        lock (_lock)
        {
            Writer.WriteLine(Printable.Text(document.ToJsonString(s_document)));
            Writer.Flush();
        }
    }

    /// <inheritdoc cref="Document(JsonNode)"/>
    public void Document<T>(T document, JsonTypeInfo<T> type) => Document(JsonSerializer.SerializeToNode(document, type)!);

    /// <summary>A line of a JSON stream; nothing for people.</summary>
    public void JsonLine(JsonNode line)
    {
        if (!Json)
            return;
        lock (_lock)
        {
            Writer.WriteLine(Printable.Text(line.ToJsonString(s_line)));
            Writer.Flush();
        }
    }

    public void Error(string message) => ErrorLine($"error: {Below(message)}");

    public void Error(Exception e)
    {
        if (IsDebug)
            ErrorLine(e.ToString());
        bool foreseen = e is StewardException or FormatException or ArgumentException or IOException or UnauthorizedAccessException;
        Error(foreseen ? e.Message : $"{e.GetType().Name}: {e.Message} (STEWARD_DEBUG=1 shows more)");
        if (CommandFor(e) is { } command)
            ErrorLine($"  {command}");
    }

    public void ErrorLine(string text)
    {
        lock (_lock)
        {
            string clean = Printable.Text(text);
            if (_errorsInColour && clean.StartsWith("error:", StringComparison.Ordinal))
                ErrorWriter.WriteLine($"\e[31m{clean}\e[0m");
            else
                ErrorWriter.WriteLine(clean);
            ErrorWriter.Flush();
        }
    }

    /// <summary>The command that goes with a remedy; messages of the runtime name none, as a library's user has no shell.</summary>
    private static string? CommandFor(Exception e) => e switch
    {
        QueueFullException { Full: var full } => $"To raise the limit: steward limit set {full.Scope} --queue N",
        JournalException { IsLoss: true } =>
            "To see all that is lost: steward doctor. To accept it, in a SQLite file: steward doctor --accept-loss",
        JournalException or StoreException { Failure: StoreFailure.Corrupt } => "To check the whole database: steward doctor --deep",
        ForkCallException { Run: var run } => $"To see the calls: steward show {run}",
        _ => null,
    };

    private static string Cell(string text) => Printable.Line(text.ReplaceLineEndings(" ").Replace('\t', ' '));

    private static void WriteTable(IAnsiConsole console, IReadOnlyList<string> headings, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (string heading in headings)
            table.AddColumn(new TableColumn(new Text(heading, Styles.Dim)));
        foreach (IReadOnlyList<string> row in rows)
            table.AddRow(row.Select(cell => new Text(Cell(cell), Styles.OfWord(cell))));
        console.Write(table);
    }

    private void WritePlain(IReadOnlyList<string> headings, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        int[] widths = [.. headings.Select((h, i) => rows.Select(r => Cell(r[i]).Length).Append(h.Length).Max())];
        foreach (IReadOnlyList<string> row in (IReadOnlyList<string>[])[[.. headings.Select(h => h.ToUpperInvariant())], .. rows])
            Writer.WriteLine(string.Join("  ", row.Select((cell, i) => Cell(cell).PadRight(widths[i]))).TrimEnd());
    }
}

/// <summary>The few styles there are.</summary>
internal static class Styles
{
    public static Style Dim { get; } = new(decoration: Decoration.Dim);

    public static Style Bold { get; } = new(decoration: Decoration.Bold);

    public static Style Good { get; } = new(Color.Green);

    public static Style Bad { get; } = new(Color.Red);

    public static Style Warn { get; } = new(Color.Olive);

    public static Style Call { get; } = new(Color.Teal);

    /// <summary>The style of a cell that holds a word of state.</summary>
    public static Style OfWord(string word) => word switch
    {
        "ok" or "completed" or "passed" => Good,
        "fail" or "failed" or "engaged" => Bad,
        "warn" or "awaiting" or "cancelled" => Warn,
        _ => Style.Plain,
    };
}
