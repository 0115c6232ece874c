namespace Sync.Client.Writes;

/// <summary>Carries a request to a writer: HTTP in production, scripted in tests of the lanes.</summary>
internal interface IBatchSender
{
    /// <summary>Sends the writes and completes each that got a final answer; the others stay open and are sent again, with
    /// <see cref="PendingWrite.MayBeCommitted"/> set where the request may have arrived. Throws only when cancelled.</summary>
    Task SendAsync(IReadOnlyList<PendingWrite> batch, CancellationToken cancellation);
}
