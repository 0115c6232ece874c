using System.Buffers;
using System.Globalization;
using Sync.Contracts;
using Sync.Lobby.Insights;
using Sync.MessagePack;

namespace Sync.Simulation.Insights;

/// <summary>The derivation of these histories: how many records, their sum as an exact decimal, and their keys. A poisoned
/// record makes it throw.</summary>
internal static class InsightSums
{
    public const string Source = "item";
    public const string Target = "sums";
    public const string Vault = "insight";

    public static readonly CrossVaultDerivation Derivation = new()
    {
        Name = "sums",
        SourceCollection = Source,
        TargetVault = Vault,
        TargetCollection = Target,
        AutoPush = true,
        Derive = static (records, _) => Of(records),
    };

    public static bool IsPoison(Envelope record) => SimValue.Is(record.Value, SimValue.Poison);

    /// <summary>The value of a record: MessagePack binary would do; the numbers are what counts.</summary>
    public static byte[] Of(IEnumerable<Envelope> records)
    {
        var (count, sum, keys) = (0, 0m, "");
        foreach (var record in records)
        {
            if (IsPoison(record)) throw new InvalidOperationException("a poisoned record");
            (count, sum, keys) = (count + 1, sum + (SimValue.IdOf(record.Value) * 0.1m), keys + record.Key.Key);
        }
        var bytes = new ArrayBufferWriter<byte>();
        var writer = new MsgPackWriter(bytes);
        writer.WriteMapHeader(3);
        writer.WriteString("count");
        writer.WriteInteger(count);
        writer.WriteString("sum");
        writer.WriteString(sum.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("keys");
        writer.WriteString(keys);
        writer.Flush();
        return bytes.WrittenSpan.ToArray();
    }
}
