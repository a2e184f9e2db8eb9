using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>The body of an answer: limits each wait, and says in the runtime's terms how it broke.</summary>
internal sealed class GuardedStream(Stream body, Deadline deadline, TimeSpan idle, Wire wire) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var wait = deadline.Start(idle, cancellationToken);
        try
        {
            return await body.ReadAsync(buffer, wait.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw wire.Error(ModelFailure.Timeout, "the answer began, but the rest of it did not come in time.", exception);
        }
        catch (IOException exception)
        {
            throw Broken(exception);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        try
        {
            return body.Read(buffer, offset, count);
        }
        catch (IOException exception)
        {
            throw Broken(exception);
        }
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            body.Dispose();
            deadline.Dispose();
        }

        base.Dispose(disposing);
    }

    private ModelException Broken(IOException exception) =>
        wire.Error(ModelFailure.StreamInterrupted, "the connection broke in the middle of the answer.", exception);
}
