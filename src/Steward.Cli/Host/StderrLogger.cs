using Microsoft.Extensions.Logging;
using Steward.Cli.Rendering;
using Steward.Journal;

namespace Steward.Cli.Host;

/// <summary>Warnings and errors of the runtime as lines on stderr; with STEWARD_DEBUG=1 everything, with exceptions.</summary>
internal sealed class StderrLogger(string category, Output output, LogLevel least = LogLevel.Warning) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) =>
        Output.IsDebug ? logLevel >= LogLevel.Information : logLevel >= least && category.StartsWith("Steward", StringComparison.Ordinal);

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        string level = logLevel switch
        {
            LogLevel.Warning => "warning",
            LogLevel.Error or LogLevel.Critical => "error",
            _ => "info",
        };
        // A line of the log is one line, whatever somebody put into a name or a message.
        string line = Printable.Line($"{level}: {formatter(state, exception)}{(exception is null || Output.IsDebug ? "" : $": {exception.Message}")}");
        output.ErrorLine(exception is not null && Output.IsDebug ? $"{line}\n    {Output.Below(exception.ToString())}" : line);
    }
}

internal sealed class StderrLoggerProvider(Output output, LogLevel least) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new StderrLogger(categoryName, output, least);

    public void Dispose()
    {
    }
}
