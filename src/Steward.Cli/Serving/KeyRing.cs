using Steward.AspNetCore;
using Steward.Cli.Commands;
using Steward.Cli.Rendering;

namespace Steward.Cli.Serving;

/// <summary>The keys that a server knows: those of a file as it is now, or those of the environment as it was at the start.</summary>
/// <remarks>
/// A file is looked at with every request, so a key that was revoked opens nothing from then on. A file that cannot be read changes
/// nothing, for it may be half written; one that is gone, or holds no keys, lets nobody in.
/// </remarks>
internal sealed class KeyRing
{
    private readonly string? _file;
    private readonly Output _output;
    private readonly Lock _lock = new();
    private IReadOnlyList<StewardApiKey> _keys;
    private (DateTime Written, long Length) _stamp;

    private KeyRing(string? file, Output output, IReadOnlyList<StewardApiKey> keys, (DateTime Written, long Length) stamp)
    {
        _file = file;
        _output = output;
        _keys = keys;
        _stamp = stamp;
        IsOpen = keys.Count == 0;
    }

    /// <summary>Whether there were no keys at the start, so that this machine alone is served.</summary>
    public bool IsOpen { get; }

    /// <summary>The keys of a file, or of the environment; none where neither is there.</summary>
    /// <exception cref="UsageException">They cannot be read.</exception>
    public static KeyRing Find(string? file, Output output)
    {
        if (file is not null)
        {
            (DateTime, long) stamp = Stamp(file);
            return new KeyRing(file, output, KeyFile.Load(file, mayBeEmpty: false), stamp);
        }

        return new KeyRing(
            null,
            output,
            Environment.GetEnvironmentVariable(KeyFile.Variable) is { } text && !string.IsNullOrWhiteSpace(text)
                ? KeyFile.Read(text, $"The environment variable {KeyFile.Variable}")
                : [],
            default);
    }

    /// <summary>The keys as they are now.</summary>
    public IReadOnlyList<StewardApiKey> Current()
    {
        if (_file is null)
            return _keys;
        lock (_lock)
        {
            (DateTime Written, long Length) stamp = Stamp(_file);
            if (stamp != _stamp)
                Reload(_file, stamp);
            return _keys;
        }
    }

    private void Reload(string file, (DateTime Written, long Length) stamp)
    {
        _stamp = stamp;
        try
        {
            _keys = stamp.Length < 0 ? [] : KeyFile.Load(file);
            _output.ErrorLine($"info: read {_keys.Count} API keys from '{file}' again{(_keys.Count == 0 ? "; nobody is let in" : "")}");
        }
        catch (Exception e) when (e is UsageException or IOException or UnauthorizedAccessException)
        {
            _output.Error($"The keys stay as they were: {e.Message}");
        }
    }

    private static (DateTime Written, long Length) Stamp(string file)
    {
        var info = new FileInfo(file);
        return info.Exists ? (info.LastWriteTimeUtc, info.Length) : (default, -1);
    }
}
