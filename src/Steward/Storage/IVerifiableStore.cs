using Steward.Journal;

namespace Steward.Storage;

/// <summary>A store that can check all that it holds.</summary>
public interface IVerifiableStore
{
    /// <summary>Checks everything that can be checked, of one run or of all: chains, gaps, heads, payloads, blobs,
    /// and whether the indexes hold what the tables do.</summary>
    /// <remarks>Reads every byte, while others go on writing; keeps one entry in memory at a time.</remarks>
    /// <returns>What is wrong; empty when nothing is.</returns>
    Task<IReadOnlyList<StoreProblem>> VerifyAsync(RunId? run = null, CancellationToken cancellationToken = default);

    /// <summary>The last entry of each run as its row has it, oldest run first, while others go on writing.</summary>
    IAsyncEnumerable<RunHead> HeadsAsync(CancellationToken cancellationToken = default);
}

/// <summary>Where a run's journal ends.</summary>
/// <param name="Run">The run.</param>
/// <param name="Sequence">The last sequence.</param>
/// <param name="Hash">The chain's hash there.</param>
public sealed record RunHead(RunId Run, long Sequence, ReadOnlyMemory<byte> Hash);

/// <summary>Something wrong with what a store holds.</summary>
/// <param name="Run">The run it is about, if it is about one.</param>
/// <param name="Sequence">The sequence at which the run's journal stops being genuine, if that is known.</param>
/// <param name="Description">What is wrong.</param>
public sealed record StoreProblem(RunId? Run, long? Sequence, string Description);
