using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Steward.Cli.Retention;

/// <summary>Writes a folder's own list of files to the disk, which writing the files does not promise.</summary>
internal static partial class DiskFolder
{
    /// <exception cref="IOException">The system could not.</exception>
    public static void Sync(string path)
    {
        // Windows writes names down by itself, and opens no folder for this.
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = Native.open(path, 0);
        if (descriptor < 0)
            throw Error(path);
        using var folder = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Native.fsync(folder) != 0)
            throw Error(path);
    }

    private static IOException Error(string path) => new(
        $"The folder '{path}' could not be written to the disk: {Marshal.GetLastPInvokeErrorMessage()}. Nothing was deleted that should have been archived there.");

    private static partial class Native
    {
        [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
        internal static partial int open(string path, int flags);

        [LibraryImport("libc", SetLastError = true)]
        internal static partial int fsync(SafeFileHandle file);
    }
}
