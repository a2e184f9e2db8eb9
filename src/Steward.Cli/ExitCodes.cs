namespace Steward.Cli;

/// <summary>What the process says to the shell.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Awaiting = 3;
    public const int Cancelled = 4;
    public const int Parked = 5;
    public const int Interrupted = 130;

    public const string Help =
        "Exit codes: 0 done · 1 the run or a check failed · 2 wrong usage or file · 3 waits for a person · 4 cancelled · 5 parked, can be resumed · 130 interrupted.";
}

/// <summary>The command line asks for something that cannot be; says what, and the remedy.</summary>
internal sealed class UsageException(string message) : StewardException(message);
