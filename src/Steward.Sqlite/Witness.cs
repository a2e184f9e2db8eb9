using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>A head that was committed: run, sequence, and the first half of the chain's hash there.</summary>
internal readonly record struct WitnessRecord(RunId Run, long Sequence, UInt128 Hash)
{
    /// <summary>Run, sequence, hash, and eight bytes of the SHA-256 of these.</summary>
    public const int Size = 16 + 8 + 16 + 8;

    private const int Sealed = Size - 8;

    public static WitnessRecord Of(RunId run, long sequence, ReadOnlySpan<byte> hash) => new(run, sequence, HalfOf(hash));

    public static UInt128 HalfOf(ReadOnlySpan<byte> hash) => hash.Length < 16 ? 0 : BinaryPrimitives.ReadUInt128BigEndian(hash);

    public static bool TryRead(ReadOnlySpan<byte> bytes, out WitnessRecord record)
    {
        record = new(
            new RunId(new Guid(bytes[..16], bigEndian: true)),
            BinaryPrimitives.ReadInt64BigEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt128BigEndian(bytes[24..]));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Sealed], digest);
        return digest[..8].SequenceEqual(bytes[Sealed..Size]);
    }

    public void Write(Span<byte> bytes)
    {
        Run.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(bytes[16..], Sequence);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[24..], Hash);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Sealed], digest);
        digest[..8].CopyTo(bytes[Sealed..]);
    }
}

/// <summary>The file <c>NAME-witness</c> beside the database: which heads were acknowledged.</summary>
/// <remarks>
/// SQLite opens cleanly after a garbled log or an older copy, and silently lacks what came later. The witness notices: one
/// append after every commit, before anybody hears of it, so it is never ahead of the database and never behind an
/// acknowledgement. It is not synced by itself, and no truth depends on it: without it, a loss just goes unnoticed.
/// Records are sealed; torn or garbled ones are skipped. Every open store holds a shared lock on the file, so
/// it is only rewritten by one that is alone.
/// </remarks>
internal sealed partial class Witness : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _guard;
    private readonly SafeFileHandle _appender;
    private byte[] _buffer = new byte[64 * WitnessRecord.Size];

    private Witness(string path, SafeFileHandle guard, SafeFileHandle appender) => (_path, _guard, _appender) = (path, guard, appender);

    public static string PathOf(string database) => database + "-witness";

    /// <summary>Opens the witness for appending, and makes it if it is not there.</summary>
    public static Witness Open(string database)
    {
        string path = PathOf(database);
        PrivateFiles.Ensure(path);
        SafeFileHandle guard = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        return new Witness(path, guard, OperatingSystem.IsWindows() ? guard : OpenForAppend(path));
    }

    /// <summary>The newest record of every run, in the file's order.</summary>
    public static List<WitnessRecord> Load(string database)
    {
        Dictionary<RunId, (WitnessRecord Record, int Place)> newest = [];
        byte[] bytes = ReadAll(PathOf(database));
        for (int at = 0; at + WitnessRecord.Size <= bytes.Length;)
        {
            if (!WitnessRecord.TryRead(bytes.AsSpan(at, WitnessRecord.Size), out WitnessRecord record))
            {
                at++;
                continue;
            }

            if (!newest.TryGetValue(record.Run, out var known) || record.Sequence >= known.Record.Sequence)
                newest[record.Run] = (record, at);
            at += WitnessRecord.Size;
        }

        return [.. newest.Values.OrderBy(entry => entry.Place).Select(entry => entry.Record)];
    }

    /// <summary>Replaces all records, if no other store has the file open.</summary>
    /// <remarks>In place and in order, so a record that stays is at every moment
    /// at its old place or at its new one. On the disk when it returns.</remarks>
    public static bool TryRewrite(string database, IReadOnlyCollection<WitnessRecord> records)
    {
        try
        {
            PrivateFiles.Ensure(PathOf(database));
            using SafeFileHandle file = File.OpenHandle(PathOf(database), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            byte[] bytes = new byte[records.Count * WitnessRecord.Size];
            int at = 0;
            foreach (WitnessRecord record in records)
            {
                record.Write(bytes.AsSpan(at));
                at += WitnessRecord.Size;
            }

            RandomAccess.Write(file, bytes, 0);
            RandomAccess.SetLength(file, bytes.Length);
            RandomAccess.FlushToDisk(file);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Appends records in one write, so that those of two processes never mix.</summary>
    /// <exception cref="IOException">They could not be written, or not all of them.</exception>
    public void Append(IReadOnlyList<WitnessRecord> records)
    {
        int length = records.Count * WitnessRecord.Size;
        if (_buffer.Length < length)
            _buffer = new byte[length];
        for (int i = 0; i < records.Count; i++)
            records[i].Write(_buffer.AsSpan(i * WitnessRecord.Size));
        WriteAtEnd(_buffer.AsSpan(0, length));
    }

    public void Dispose()
    {
        _appender.Dispose();
        _guard.Dispose();
    }

    private void WriteAtEnd(ReadOnlySpan<byte> bytes)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.Write(_guard, bytes, RandomAccess.GetLength(_guard));
            return;
        }

        nint written = Native.write(_appender, bytes, bytes.Length);
        if (written != bytes.Length)
            throw new IOException($"Only {written} of {bytes.Length} bytes went into '{_path}' ({Marshal.GetLastPInvokeErrorMessage()}).");
    }

    private static byte[] ReadAll(string path)
    {
        if (!File.Exists(path))
            return [];
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[RandomAccess.GetLength(file)];
        int read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), read) is > 0 and int more)
            read += more;
        return read == bytes.Length ? bytes : bytes[..read];
    }

    /// <summary>.NET seeks to the end; only the system's own append mode is safe beside another process.</summary>
    private static SafeFileHandle OpenForAppend(string path)
    {
        const int writeOnly = 1;
        int flags = OperatingSystem.IsLinux() ? writeOnly | 0x400 | 0x8_0000 : writeOnly | 0x8 | 0x100_0000;
        int descriptor = Native.open(path, flags);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw new IOException($"'{path}' cannot be opened for appending ({Marshal.GetLastPInvokeErrorMessage()}).");
    }

    private static partial class Native
    {
        [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
        internal static partial int open(string path, int flags);

        [LibraryImport("libc", SetLastError = true)]
        internal static partial nint write(SafeFileHandle file, ReadOnlySpan<byte> bytes, nint length);
    }
}
