using System.Globalization;

namespace Steward;

/// <summary>Checks options where they are used first, so that a wrong one is named before anything runs.</summary>
public static class OptionRange
{
    /// <summary>Checks that a value lies in a range.</summary>
    /// <param name="option">The option's name, for example <c>AgentLimits.ParallelTools</c>.</param>
    /// <param name="value">Its value; null passes.</param>
    /// <param name="least">The least that is allowed.</param>
    /// <param name="most">The most that is allowed.</param>
    /// <exception cref="ArgumentException">It does not; the message names option, value and range.</exception>
    public static void Check<T>(string option, T? value, T least, T most)
        where T : struct, IComparable<T>, IFormattable
    {
        if (FaultOf(option, value, least, most) is { } fault)
            throw new ArgumentException(fault);
    }

    /// <summary>What is wrong with a value, for who collects all that is; null when nothing is.</summary>
    internal static string? FaultOf<T>(string option, T? value, T least, T most)
        where T : struct, IComparable<T>, IFormattable =>
        value is { } given && (given.CompareTo(least) < 0 || given.CompareTo(most) > 0)
            ? string.Create(CultureInfo.InvariantCulture, $"{option} is {given}; it must be from {least} to {most}.")
            : null;
}
