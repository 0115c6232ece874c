using Sync.Contracts;

namespace Sync.Transport;

/// <summary>How a transport places keys on the bus: replaceable, so that a system can put them elsewhere (hashed, with a
/// tenant in front). <see cref="Subjects"/> is the mapping that every consumer knows. Pure and safe from any thread.</summary>
public interface ISubjectMap
{
    /// <summary>Where a key's envelopes go: another subject for each key.</summary>
    /// <exception cref="SyncException">A name breaks its rule (<see cref="SyncErrorCode.Invalid"/>).</exception>
    string Of(SyncedKey key);

    /// <summary>What to subscribe to for a pattern: at least all its keys.</summary>
    /// <exception cref="SyncException">As for a key.</exception>
    string Of(SyncedPattern pattern);

    /// <summary>True when an envelope that came for the pattern's subject is one that the pattern follows.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="subject">The subject in ASCII, as the bus delivered it.</param>
    bool Follows(SyncedPattern pattern, ReadOnlySpan<byte> subject);

    /// <summary>Where a feed's beats go.</summary>
    string OfBeat(FeedId feed);

    /// <summary>The beats of all feeds.</summary>
    string Beats { get; }
}
