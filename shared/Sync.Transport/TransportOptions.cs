using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>Bounds of a transport.</summary>
public sealed record TransportOptions
{
    /// <summary>Prefixes of the subjects.</summary>
    public SubjectOptions Subjects { get; init; } = new();

    /// <summary>Envelopes that wait for the handlers of one key. Default 256; 16 to 1,000,000. Beyond, the newest is kept and an
    /// overflow reported. Memory is taken as needed.</summary>
    public int KeyMailboxMax { get; init; } = 256;

    /// <summary>Envelopes that wait for the handlers of one pattern. Default 16,384; 16 to 10,000,000. Beyond, the newest of
    /// each key is kept, of at most three quarters of this many keys, and an overflow reported.</summary>
    public int PatternMailboxMax { get; init; } = 16_384;

    /// <summary>Beats that wait for the handlers. Default 4,096; 16 to 1,000,000. Beyond, the newest of each feed is kept.</summary>
    public int BeatMailboxMax { get; init; } = 4096;

    /// <summary>Longest time that a beat waits until the envelopes before it were handled. Default 1 s; 1 ms to 1 min.</summary>
    public TimeSpan BeatHoldMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait for the bus to confirm a subscription. Default 10 s; 10 ms to 10 min.</summary>
    public TimeSpan SubscribeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Refuses what is out of range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with the option, its value and the range.</exception>
    public void Validate()
    {
        Subjects.Validate();
        Bounds.Check("Sync:Transport:KeyMailboxMax", KeyMailboxMax, 16, 1_000_000, "envelopes");
        Bounds.Check("Sync:Transport:PatternMailboxMax", PatternMailboxMax, 16, 10_000_000, "envelopes");
        Bounds.Check("Sync:Transport:BeatMailboxMax", BeatMailboxMax, 16, 1_000_000, "beats");
        Bounds.Check("Sync:Transport:BeatHoldMax", BeatHoldMax, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Bounds.Check("Sync:Transport:SubscribeTimeout", SubscribeTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
    }
}
