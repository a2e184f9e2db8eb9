using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Steward.Declarative.Yaml;

/// <summary>A file of one YAML document; what is read from it knows its line and column.</summary>
internal sealed class YamlFile
{
    private const long MaxBytes = 1024 * 1024;
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private YamlFile(string path) => Path = path;

    public string Path { get; }

    public string Folder => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;

    /// <exception cref="AgentFileException">It cannot be read, or is not one YAML document.</exception>
    public static YamlValue Read(string path)
    {
        var file = new YamlFile(path);
        return file.Parse(file.ReadOwnText());
    }

    /// <summary>Reads a text that came from a file, or is to be spoken of as if it did.</summary>
    /// <exception cref="AgentFileException">It is not one YAML document.</exception>
    public static YamlValue Parse(string text, string path) => new YamlFile(path).Parse(text);

    private YamlValue Parse(string text)
    {
        var scanner = new Scanner(new StringReader(text));
        try
        {
            new YamlBounds(this).Check(new Parser(scanner));
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents.Count switch
            {
                1 => new YamlValue(stream.Documents[0].RootNode, this),
                0 => throw Error(
                    1,
                    1,
                    "The file is empty. Write at least 'name' and 'models' or 'script' for an agent, or 'turns' for a script."),
                int count => throw Error(1, 1, $"The file has {count} YAML documents; keep one, and remove the lines that are '---'."),
            };
        }
        catch (YamlException e)
        {
            throw Error(e.Start.Line, e.Start.Column, NotYaml(e));
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // The scanner's own way to say that it is at a loss, for example where a flow map goes on too far left.
            throw Error(
                scanner.CurrentPosition.Line,
                scanner.CurrentPosition.Column,
                "This is not YAML from here on. Look at the indentation and the brackets, or write the map in lines of their own.");
        }
    }

    public AgentFileException Error(long line, long column, string message) =>
        new(Path, (int)Math.Max(1, line), (int)Math.Max(1, column), message);

    /// <exception cref="IOException">The file is too large, or not UTF-8.</exception>
    public static string ReadText(string path)
    {
        var info = new FileInfo(path);
        if (info.Exists && info.Length > MaxBytes)
            throw new IOException($"'{path}' has {info.Length} bytes; {MaxBytes} is the most.");
        try
        {
            return File.ReadAllText(path, s_strict);
        }
        catch (DecoderFallbackException e)
        {
            throw new IOException($"'{path}' is not UTF-8 ({e.Message.TrimEnd('.')}). Save it as UTF-8.", e);
        }
    }

    private string ReadOwnText()
    {
        try
        {
            return ReadText(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Error(1, 1, $"The file cannot be read: {e.Message}");
        }
    }

    private static string NotYaml(YamlException e)
    {
        string what = e.InnerException?.Message ?? e.Message;
        if (what.Contains("uplicate key", StringComparison.Ordinal))
            return $"{what.TrimEnd('.')}: this key stands twice in one map. Keep one.";
        string hint = what.Contains('\t', StringComparison.Ordinal)
            || what.Contains("tab", StringComparison.OrdinalIgnoreCase)
            || what.Contains("cannot start any token", StringComparison.Ordinal)
            ? "Indent with spaces, and quote a text that starts with a character such as '@', '`' or '%'."
            : "Look at the indentation, and quote a text that holds ': ' or ' #'.";
        return $"This is not YAML: {what.TrimEnd('.')}. {hint}";
    }
}
