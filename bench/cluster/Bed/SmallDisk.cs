using System.Diagnostics;

namespace Steward.ClusterBench.Bed;

/// <summary>A SQLite file on a disk of a few megabytes (tmpfs), which can be filled up.</summary>
internal sealed class SmallDisk : SqliteDatabase
{
    private SmallDisk(string folder)
        : base(folder)
    {
    }

    private string Filler => Path.Combine(Folder, "filler");

    public static SmallDisk Mount(string folder)
    {
        string disk = Directory.CreateDirectory(Path.Combine(folder, "disk")).FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=8m", "none", disk);
        return new SmallDisk(disk);
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
                file.Write(new byte[4_096]);
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    public void MakeRoom() => File.Delete(Filler);

    public override void Dispose()
    {
        base.Dispose();
        Run("umount", "-l", Folder);
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' ended with {process.ExitCode}.");
    }
}
