using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>Bounds of the bus within one process.</summary>
public sealed record InProcessBusOptions
{
    /// <summary>Largest message (payload and headers). Default 1 MiB; 1 KiB to 64 MiB.</summary>
    public int MaxPayload { get; init; } = 1024 * 1024;

    /// <summary>Messages that wait for the delivery loop. Default 65,536; 16 to 10,000,000. Beyond, publishers wait in order.</summary>
    public int QueueMessagesMax { get; init; } = 65_536;

    /// <summary>Bytes that wait for the delivery loop. Default 64 MiB; at least 64 KiB. Beyond, publishers wait in order.</summary>
    public long QueueBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Publishers that may wait for room. Default 1,024; 1 to 1,000,000. Beyond, a publish fails at once.</summary>
    public int WaitersMax { get; init; } = 1024;

    /// <summary>Longest wait for room. Default 5 s; 1 ms to 1 h.</summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Requests in flight. Default 65,536; 1 to 1,000,000. Beyond, a request fails at once.</summary>
    public int RequestsMax { get; init; } = 65_536;

    /// <summary>First tokens of this bus's own reply subjects, and the only ones that responders answer to. Default <c>_INBOX</c>.</summary>
    public string InboxPrefix { get; init; } = "_INBOX";

    /// <summary>Refuses what is out of range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with the option, its value and the range.</exception>
    public void Validate()
    {
        Bounds.Check("Sync:InProcessBus:MaxPayload", MaxPayload, 1024, 64 * 1024 * 1024, "bytes");
        Bounds.Check("Sync:InProcessBus:QueueMessagesMax", QueueMessagesMax, 16, 10_000_000, "messages");
        Bounds.Check("Sync:InProcessBus:QueueBytesMax", QueueBytesMax, 64 * 1024, long.MaxValue, "bytes");
        Bounds.Check("Sync:InProcessBus:WaitersMax", WaitersMax, 1, 1_000_000, "publishers");
        Bounds.Check("Sync:InProcessBus:PublishTimeout", PublishTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Bounds.Check("Sync:InProcessBus:RequestsMax", RequestsMax, 1, 1_000_000, "requests");
        Bounds.CheckPrefix("Sync:InProcessBus:InboxPrefix", InboxPrefix);
    }
}
