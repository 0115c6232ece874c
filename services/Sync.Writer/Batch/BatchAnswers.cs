using System.Buffers;
using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Writer.Http;
using Sync.Writer.Json;

namespace Sync.Writer.Batch;

/// <summary>What a line of a batch is answered, however the batch is read.</summary>
internal static class BatchAnswers
{
    /// <summary>Said last, when the lines stopped coming.</summary>
    public static readonly Problem Idle =
        CommonProblems.TooSlow("No line came for too long. Send the rest in another request.");

    /// <summary>What breaks the key of a line whose vault has no known feed.</summary>
    public static readonly WriteResult NotPlaced = new WriteResult.Refused(
        new Refusal(RefusalCode.LedgerUnavailable, "The feed of the vault could not be looked up."));

    public static void Write(Utf8JsonWriter json, WriteResult result)
    {
        switch (result)
        {
            case WriteResult.Committed committed:
                ReceiptJson.Write(json, committed.Receipt, committed.Replayed);
                break;
            case WriteResult.Refused refused:
                Problems.Of(refused.Refusal).WriteTo(json);
                break;
            case WriteResult.Unknown unknown:
                Problems.UnknownOutcome(unknown.Reason).WriteTo(json);
                break;
        }
    }

    public static Problem OfFailure(Exception error) =>
        Problems.Of(error) ?? Problems.UnknownOutcome("The write failed in an unforeseen way");

    /// <summary>Ends a line.</summary>
    public static void End(Utf8JsonWriter json, IBufferWriter<byte> buffer)
    {
        json.Flush();
        json.Reset();
        buffer.GetSpan(1)[0] = (byte)'\n';
        buffer.Advance(1);
    }
}
