namespace Steward.Storage;

/// <summary>Files that hold what people and models said: their owner alone may read them. On Windows a folder's own rights
/// decide.</summary>
public static class PrivateFiles
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Makes a folder, and those above it, where they are not there: for their owner alone (0700). One that is there stays as it
    /// is.</summary>
    /// <param name="path">The folder.</param>
    public static DirectoryInfo CreateFolder(string path) => OperatingSystem.IsWindows()
        ? Directory.CreateDirectory(path)
        : Directory.CreateDirectory(path, Owner | UnixFileMode.UserExecute);

    /// <summary>Makes an empty file where none is there, for its owner alone (0600). One that is there stays as it is.</summary>
    /// <param name="path">The file, in a folder that is there.</param>
    public static void Ensure(string path)
    {
        if (File.Exists(path))
            return;
        try
        {
            using FileStream file = Open(path, FileMode.CreateNew);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Somebody else was first.
        }
    }

    /// <summary>Makes a file anew, for its owner alone (0600).</summary>
    /// <param name="path">The file, in a folder that is there.</param>
    public static FileStream Create(string path)
    {
        File.Delete(path); // One that is there would keep its rights.
        return Open(path, FileMode.CreateNew);
    }

    /// <summary>Whether others than its owner may read or write a file.</summary>
    /// <param name="path">A file that is there.</param>
    public static bool IsOpenToOthers(string path) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0;

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = Owner;
        return new FileStream(path, options);
    }
}
