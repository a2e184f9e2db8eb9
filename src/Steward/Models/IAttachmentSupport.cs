namespace Steward.Models;

/// <summary>A chat client that knows which attachments its wire has a place for; found with <c>IChatClient.GetService</c>.</summary>
/// <remarks>Runs with other attachments are refused before they start. A client without it is taken to send anything.</remarks>
public interface IAttachmentSupport
{
    /// <summary>Whether an attachment can be sent; text always can.</summary>
    /// <param name="mediaType">Its media type.</param>
    /// <param name="isReference">Whether only its address is sent, and the provider fetches it.</param>
    bool Takes(string mediaType, bool isReference);
}
