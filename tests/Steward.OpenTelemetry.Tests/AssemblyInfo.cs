// The activity source has one name in the process: a host would hear the runs of another test.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
