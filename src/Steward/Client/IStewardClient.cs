using Steward.Journal;
using Steward.Storage;
using Steward.TimeTravel;

namespace Steward.Client;

/// <summary>Starts runs and finds them.</summary>
public interface IStewardClient
{
    /// <summary>Starts a run of an agent; once it returns, the run is durable.</summary>
    /// <exception cref="StewardException">There is no such agent here.</exception>
    /// <exception cref="Models.AttachmentRefusedException">No model of the agent's route takes an attachment of the request.</exception>
    /// <exception cref="AttachmentMissingException">The store has an attachment of the request not, or not for its tenant.</exception>
    /// <exception cref="KeyReusedException">The request's key started a run with another agent, input, user or session.</exception>
    /// <exception cref="SessionBusyException">Under <see cref="SessionPolicy.Reject"/>: another run of the session is active.</exception>
    /// <exception cref="QueueFullException">The queue is full; the same key still finds the run that it started.</exception>
    Task<RunHandle> StartAsync(string agent, RunRequest request, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="StartAsync"/>, and says whether the request's key had started the run before.</summary>
    /// <exception cref="StewardException">There is no such agent here.</exception>
    /// <exception cref="Models.AttachmentRefusedException">No model of the agent's route takes an attachment of the request.</exception>
    /// <exception cref="AttachmentMissingException">The store has an attachment of the request not, or not for its tenant.</exception>
    /// <exception cref="KeyReusedException">The request's key started a run with another agent, input, user or session.</exception>
    /// <exception cref="SessionBusyException">Under <see cref="SessionPolicy.Reject"/>: another run of the session is active.</exception>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    Task<StartOutcome> StartOrFindAsync(string agent, RunRequest request, CancellationToken cancellationToken = default);

    /// <summary>Keeps an attachment, such as a PDF or an image, for requests and messages of a tenant.</summary>
    /// <remarks>What no run names within a day may be swept by <see cref="IRetentionStore"/>; doing it again is free.</remarks>
    /// <param name="content">The bytes, read from where the stream stands to its end; at most <see cref="StoreLimits.Blob"/>.</param>
    /// <param name="mediaType">Their type, for example <c>application/pdf</c>.</param>
    /// <param name="tenant">Whose runs may use it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The part that a <see cref="RunRequest"/> or a message takes.</returns>
    /// <exception cref="StewardException">The media type is none, or the stream is empty.</exception>
    /// <exception cref="StoreException">It is larger than the store takes.</exception>
    Task<BlobPart> PutBlobAsync(
        Stream content,
        string mediaType,
        string tenant = "default",
        CancellationToken cancellationToken = default);

    /// <summary>A handle to a run.</summary>
    RunHandle Get(RunId run);

    /// <summary>Makes a new run that begins as another one did, up to a sequence,
    /// with one thing changed if wanted. The other one stays as it is.</summary>
    /// <remarks>A fork that goes on is a run like any other: it really calls models and
    /// tools, under idempotency keys of its own. To look without an effect, replay.</remarks>
    /// <exception cref="StewardException">There is no such run, sequence, call or agent.</exception>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    Task<RunHandle> ForkAsync(RunId run, ForkRequest request, CancellationToken cancellationToken = default);

    /// <summary>Runs today's code on what a journal recorded, without any effect, and says where they part.</summary>
    /// <exception cref="StewardException">There is no such run, or its definition is not loaded here.</exception>
    /// <exception cref="JournalException">The journal is not genuine.</exception>
    Task<ReplayReport> ReplayAsync(RunId run, ReplayRequest? request = null, CancellationToken cancellationToken = default);

    /// <summary>Says in what two runs differ.</summary>
    /// <exception cref="StewardException">There is no such run.</exception>
    Task<RunDiff> DiffAsync(RunId left, RunId right, CancellationToken cancellationToken = default);

    /// <summary>Moves a run to another version of its agent, or says what that would change and what stands in the way.</summary>
    /// <exception cref="StewardException">There is no such run, or it has ended.</exception>
    /// <exception cref="MigrationBlockedException">Something stands in the way, and it was no dry run.</exception>
    Task<MigrationReport> MigrateAsync(RunId run, MigrationRequest request, CancellationToken cancellationToken = default);

    /// <summary>Engages a kill switch: once it returns, nothing under it starts any more, on any node.</summary>
    /// <remarks>
    /// What is in flight is interrupted at once, by this process's worker and by the others that news reaches (<c>NOTIFY</c>,
    /// Orleans). The rest hear of it within <c>WatchInterval</c>, as all do when <see cref="IControlStore.EngageAsync"/> engages it.
    /// </remarks>
    /// <returns>Whether it changed anything, and a warning where nothing is known of its scope.</returns>
    /// <exception cref="FormatException">Its scope is none.</exception>
    Task<SwitchOutcome> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default);

    /// <summary>Releases a kill switch; its runs go on, without waiting for a poll where news of it arrives.</summary>
    /// <returns>False when it was not engaged.</returns>
    /// <exception cref="FormatException">The scope is not valid.</exception>
    Task<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default);
}

/// <summary>What starting a run did.</summary>
/// <param name="Run">The run.</param>
/// <param name="IsNew">False when the key named a run that was there already; nothing was started then.</param>
public sealed record StartOutcome(RunHandle Run, bool IsNew);

/// <summary>What a run is asked to do, and on whose behalf.</summary>
public sealed record RunRequest
{
    /// <summary>Asks in words.</summary>
    public RunRequest(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        Input = [new TextPart(text)];
    }

    /// <summary>Asks with several parts, for example text and an image.</summary>
    public RunRequest(IReadOnlyList<ContentPart> input)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfZero(input.Count, nameof(input));
        Input = input;
    }

    /// <summary>The request.</summary>
    public IReadOnlyList<ContentPart> Input { get; }

    /// <summary>The tenant.</summary>
    /// <value><c>default</c>.</value>
    public string Tenant { get; init; } = "default";

    /// <summary>The user on whose behalf it runs.</summary>
    public string? User { get; init; }

    /// <summary>Who asks for it, by the name under which they would decide. The host has made sure of it; a policy of four eyes goes by
    /// it.</summary>
    public string? By { get; init; }

    /// <summary>The conversation that it belongs to.</summary>
    public string? Session { get; init; }

    /// <summary>What happens when another run of the session is active.</summary>
    /// <value><see cref="SessionPolicy.Parallel"/>.</value>
    public SessionPolicy SessionPolicy { get; init; }

    /// <summary>Makes starting idempotent: the same key of the same tenant gives the same run.</summary>
    public string? Key { get; init; }

    /// <summary>What the run is marked with: at most 16 short strings by name. Its
    /// children bear them too, and <see cref="RunQuery.Labels"/> finds them.</summary>
    /// <remarks>A name has 1 to 64 letters, digits, '.', '_', '-' or '/'; a value
    /// up to 256 printable characters. Others are refused at the start.</remarks>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>The trace that the run belongs to.</summary>
    /// <value>That of the ambient <see cref="System.Diagnostics.Activity"/>, if there is one.</value>
    public TraceContext? Trace { get; init; }

    /// <summary>Ceilings that tighten the agent's own for this run.</summary>
    public BudgetCeilings? Ceilings { get; init; }
}

/// <summary>A run was not started: its key belongs to another request.</summary>
public sealed class KeyReusedException : StewardException
{
    /// <summary>Creates the error.</summary>
    public KeyReusedException(string key, RunId run)
        : base($"The key '{key}' started run {run} with another agent, input, user or session. Use a new key for a new request.")
    {
        Key = key;
        Run = run;
    }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>The run that it started.</summary>
    public RunId Run { get; }
}

/// <summary>A run was not started: its session has an active one, and the policy was to reject.</summary>
public sealed class SessionBusyException : StewardException
{
    /// <summary>Creates the error.</summary>
    public SessionBusyException(string session, RunId busyWith)
        : base(
            $"The session '{session}' is busy with run {busyWith}, so nothing was started. Wait for it, cancel it, or start with another session policy.")
    {
        Session = session;
        BusyWith = busyWith;
    }

    /// <summary>The session.</summary>
    public string Session { get; }

    /// <summary>The run that is active.</summary>
    public RunId BusyWith { get; }
}
