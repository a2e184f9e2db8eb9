using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.State;

/// <summary>An attachment that is still in the store: a request is made of its bytes only when it is sent.</summary>
internal sealed class BlobContent(BlobPart part) : AIContent
{
    public BlobPart Part { get; } = part;
}
