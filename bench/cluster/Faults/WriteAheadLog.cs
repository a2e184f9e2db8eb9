using System.Buffers.Binary;

namespace Steward.ClusterBench.Faults;

/// <summary>SQLite's log, as its file format says: a header of 32 bytes, then frames of a header of 24 bytes and a page. Those with the header's salt are alive; behind them may be old ones.</summary>
internal static class WriteAheadLog
{
    private const int Header = 32;
    private const int FrameHeader = 24;

    /// <summary>How many frames are alive.</summary>
    public static long Living(string path)
    {
        using FileStream log = new(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        return Count(log).Living;
    }

    /// <summary>Where the middle one of the frames that are alive begins.</summary>
    public static long Middle(FileStream log)
    {
        (long living, long size) = Count(log);
        return Header + (living / 2 * size);
    }

    /// <summary>Where the last one of them begins.</summary>
    public static long Last(FileStream log)
    {
        (long living, long size) = Count(log);
        return Header + ((living - 1) * size);
    }

    private static (long Living, long Size) Count(FileStream log)
    {
        byte[] header = new byte[Header];
        byte[] frame = new byte[FrameHeader];
        log.Position = 0;
        if (log.ReadAtLeast(header, Header, throwOnEndOfStream: false) < Header)
            return (0, 0);
        long size = FrameHeader + BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(8));
        long living = 0;
        for (long at = Header; at + size <= log.Length; at += size, living++)
        {
            log.Position = at;
            log.ReadExactly(frame);
            if (!frame.AsSpan(8, 8).SequenceEqual(header.AsSpan(16, 8)))
                break;
        }

        return (living, size);
    }
}
