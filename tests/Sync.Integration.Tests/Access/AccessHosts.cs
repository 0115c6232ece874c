using Sync.Testing.Processes;

namespace Sync.Integration.Tests.Access;

/// <summary>Hosts that ask for tokens.</summary>
internal static class AccessHosts
{
    /// <summary>Starts a replica host of the vault <c>acme</c> and the group <c>g</c>.</summary>
    public static async Task<Uri> StartReplicaHostAsync(this AccessRig rig, params (string, string)[] settings) =>
        (await rig.StartHostAsync(
            "Sync.ReplicaHost", "replica",
            [("Sync__ReplicaHost__Follow__0__Vault", "acme"), ("Sync__ReplicaHost__Follow__1__Group", "g"), .. settings])).Url;

    /// <summary>Starts an Insight host that counts the notes of the group <c>g</c> into <c>insight/counts</c>.</summary>
    public static Task<(Uri Url, ServiceProcess Process)> StartInsightHostAsync(
        this AccessRig rig, params (string, string)[] settings)
    {
        const string derivation = "Sync__InsightHost__Derivations__0__";
        return rig.StartHostAsync(
            "Sync.InsightHost", "insight",
            [
                ("Sync__InsightHost__WriterUrls__0", rig.Writers[0].ToString()), ("Sync__Access__PollEvery", "00:00:00.1"),
                ("Sync__InsightHost__RetriesMax", "1"), ("Sync__InsightHost__RetryDelayMin", "00:00:00.010"),
                (derivation + "Name", "counts"), (derivation + "Kind", "counts"),
                (derivation + "Group", "g"), (derivation + "Collection", "note"),
                (derivation + "TargetVault", "insight"), (derivation + "TargetCollection", "counts"),
                .. settings,
            ]);
    }
}
