using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace Steward.ClusterBench.Faults;

/// <summary>Lets the monotonic clock of one process fall back, as it does when a virtual machine was suspended: a library that is loaded before the system's.</summary>
internal sealed class StoppedClock : IDisposable
{
    private const string Source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <time.h>
        #include <unistd.h>
        // [0]: nanoseconds that the clock lost; [1]: set once it was read with some lost.
        static volatile long *lost;
        static int (*real)(clockid_t, struct timespec *);
        __attribute__((constructor)) static void begin(void) {
            real = dlsym(RTLD_NEXT, "clock_gettime");
            int file = open(getenv("STEWARD_STOPPED_CLOCK"), O_RDWR);
            lost = mmap(0, 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            close(file);
        }
        int clock_gettime(clockid_t clock, struct timespec *time) {
            if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, time);
            if (result == 0 && lost && lost[0] && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE)) {
                long now = time->tv_sec * 1000000000L + time->tv_nsec - lost[0];
                time->tv_sec = now / 1000000000L;
                time->tv_nsec = now % 1000000000L;
                lost[1] = 1;
            }
            return result;
        }
        """;

    private readonly string _library;
    private readonly string _state;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    private StoppedClock(string library, string state)
    {
        _library = library;
        _state = state;
        _file = MemoryMappedFile.CreateFromFile(state, FileMode.Open);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>Whether the process has asked for the time since then.</summary>
    public bool WasRead => _view.ReadInt64(8) == 1;

    public static async Task<StoppedClock> CompileAsync(string folder)
    {
        string source = Path.Combine(folder, "clock.c"), library = Path.Combine(folder, "clock.so"), state = Path.Combine(folder, "clock.state");
        await File.WriteAllTextAsync(source, Source);
        await File.WriteAllBytesAsync(state, new byte[16]);
        using Process compiler = Process.Start("gcc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]);
        await compiler.WaitForExitAsync();
        return compiler.ExitCode == 0 ? new StoppedClock(library, state) : throw new InvalidOperationException($"gcc ended with {compiler.ExitCode}.");
    }

    /// <summary>Starts a program with this clock.</summary>
    public ProcessStartInfo Wrap(ProcessStartInfo start)
    {
        start.Environment["LD_PRELOAD"] = _library;
        start.Environment["STEWARD_STOPPED_CLOCK"] = _state;
        return start;
    }

    public void SetBackBy(long microseconds) => _view.Write(0, microseconds * 1_000);

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
