using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Steward.Testing.Conformance;

/// <summary>Assertions that depend on no test framework.</summary>
internal static class Expect
{
    public static void Equal<T>(T expected, T actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new ConformanceException(what, Show(expected), Show(actual));
    }

    public static void Sequence<T>(
        IEnumerable<T> expected,
        IEnumerable<T> actual,
        [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        T[] want = [.. expected], got = [.. actual];
        if (!want.SequenceEqual(got))
            throw new ConformanceException(what, Show(want), Show(got));
    }

    public static void Bytes(
        ReadOnlyMemory<byte> expected,
        ReadOnlyMemory<byte> actual,
        [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        if (!expected.Span.SequenceEqual(actual.Span))
            throw new ConformanceException(what, $"{expected.Length} bytes {Start(expected)}", $"{actual.Length} bytes {Start(actual)}");
    }

    public static void True(bool condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        if (!condition)
            throw new ConformanceException(what, "true", "false");
    }

    public static T Is<T>(object? actual, [CallerArgumentExpression(nameof(actual))] string what = "") =>
        actual is T value ? value : throw new ConformanceException(what, typeof(T).Name, Show(actual));

    public static T NotNull<T>(T? actual, [CallerArgumentExpression(nameof(actual))] string what = "")
        where T : class =>
        actual ?? throw new ConformanceException(what, $"a {typeof(T).Name}", "null");

    public static async Task<TException> ThrowsAsync<TException>(Func<Task> act, [CallerArgumentExpression(nameof(act))] string what = "")
        where TException : Exception
    {
        try
        {
            await act();
        }
        catch (TException e)
        {
            return e;
        }
        catch (Exception e) when (e is not ConformanceException)
        {
            throw new ConformanceException(what, typeof(TException).Name, $"{e.GetType().Name}: {e.Message}");
        }

        throw new ConformanceException(what, typeof(TException).Name, "no error");
    }

    private static string Show<T>(T value) => value switch
    {
        null => "null",
        string text => $"'{text}'",
        IEnumerable many => "[" + string.Join(", ", many.Cast<object?>().Select(Show)) + "]",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Start(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span[..Math.Min(8, bytes.Length)]);
}
